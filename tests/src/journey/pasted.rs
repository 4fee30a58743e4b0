//! The commands that `sluis demo` prints work when they are pasted, in the order in which they stand.

use super::program::{Running, program, scratch};
use std::process::Command;

/// What each printed command must say, by its second words, and its status.
const EXPECTED: &[(&str, i32, &str)] = &[
    ("audit ", 1, "40 lines agree, 8 do not"),
    ("ask ", 1, "REFUSED"),
    ("standing ", 0, "recorded at log index "),
    ("ask ", 0, "rule parent-information"),
    ("organisation add ", 0, "WIDER     MUNICIPALITY: is a new role"),
    ("organisation approve ", 0, "recorded at log index "),
    ("ask ", 1, "REFUSED"),
    ("organisation show ", 0, "first used  20"),
    ("organisation suspend ", 0, "narrower  MUNICIPALITY: is suspended"),
    ("manual record ", 0, "WITHIN_RULE"),
    ("manual open ", 0, "1 wait for a review, 0 of them overdue"),
    ("manual review ", 0, "is recorded at log index "),
    ("log export ", 0, ": verified"),
    ("policy check ", 0, " 0 violations"),
];

#[test]
fn what_the_demo_prints_works_when_pasted() {
    // A folder with a space, named from where the demo was started; pasted in a terminal that stands elsewhere.
    let name = format!("pasted demo {}", std::process::id());
    std::fs::create_dir_all(scratch()).unwrap();
    let mut demo = Running::start(Command::new(program()).args(["demo", "--dir", &name]).current_dir(scratch()));
    let Some(played) = demo.wait_for("The gateway stays up until Ctrl-C") else { panic!("{:#?}", demo.end()) };
    assert!(!played.iter().any(|line| line.contains('✗')), "{played:#?}");
    let last = format!("  {} policy check", program().display());
    let printed = demo.wait_for(&last).expect("the demo ended");
    let commands: Vec<&str> = printed.iter().filter_map(|line| line.strip_prefix("  ")).collect();
    assert_eq!(commands.len(), EXPECTED.len(), "{printed:#?}");
    for (command, (words, status, says)) in commands.into_iter().zip(EXPECTED) {
        assert!(command.starts_with(&format!("{} {words}", program().display())), "`{words}` is not in {command}");
        let out = Command::new("sh").args(["-c", command]).current_dir("/").output().unwrap();
        let said = String::from_utf8_lossy(&out.stdout);
        assert_eq!(out.status.code(), Some(*status), "{command}: {said}{}", String::from_utf8_lossy(&out.stderr));
        assert!(said.contains(says), "{command}: `{says}` is not in: {said}");
    }
    demo.signal("INT");
    let ended = demo.end();
    assert_eq!(ended.status, Some(0), "{ended:#?}");
    assert!(ended.out.lines().last().unwrap().ends_with(", verified"), "{}", ended.out);
    std::fs::remove_dir_all(scratch().join(name)).unwrap();
}
