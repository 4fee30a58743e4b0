//! The operator's guide says what is so: every state, every setting of `operation`.

use sluis::condition::Condition;

const GUIDE: &str = include_str!("../../docs/operator-guide.md");

/// The rows of the table under a heading: what stands in backquotes in the first cell, and the other cells.
pub fn rows(heading: &str) -> Vec<(Vec<String>, Vec<String>)> {
    let part = GUIDE.split(&format!("\n## {heading}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
    let lines = part.lines().filter(|line| line.starts_with("| `"));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let names = cells[0].split('`').skip(1).step_by(2).map(str::to_owned).collect();
            (names, cells[1..].iter().map(|cell| (*cell).to_owned()).collect())
        })
        .collect()
}

#[test]
fn every_state_is_explained_and_no_other() {
    let told: Vec<(String, bool)> =
        rows("States").into_iter().map(|(names, cells)| (names[0].clone(), cells[0] == "yes")).collect();
    let states: Vec<(String, bool)> = Condition::ALL.iter().map(|c| (c.code().to_owned(), c.ready())).collect();
    assert_eq!(told, states, "docs/operator-guide.md, States: the same, in the same order, with `callers come`");
    assert!(rows("States").iter().all(|(_, cells)| cells.len() == 3 && cells.iter().all(|cell| !cell.is_empty())));
}
