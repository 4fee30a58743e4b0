//! When a change is seen, and when it is handed out.

use super::*;
use crate::transport::rehearsal::Folder;
use std::os::unix::fs::symlink;

fn texts(look: Look) -> Option<Vec<String>> {
    match look {
        Look::Changed(contents) => Some(contents.iter().map(|c| c.text("file").unwrap_or("gone").to_owned()).collect()),
        Look::Nothing | Look::AsInForce => None,
    }
}

/// What the next looks hand out, at most so many.
fn handed_out(watched: &mut Watched, looks: u32) -> Option<Vec<String>> {
    (0..looks).find_map(|_| texts(watched.look(false)))
}

#[test]
fn a_change_is_handed_out_at_the_second_look_that_sees_it_and_at_once_when_asked() {
    let folder = Folder::new();
    let mut watched = Watched::begin(vec![folder.write("a", "1"), folder.write("b", "1")]);
    assert!(handed_out(&mut watched, READING_LOOKS + 5).is_none());
    folder.write("a", "2");
    assert!(texts(watched.look(false)).is_none());
    // The second of the pair comes a little later: both are handed out together.
    folder.write("b", "2");
    assert!(texts(watched.look(false)).is_none());
    assert_eq!(texts(watched.look(false)).unwrap(), ["2", "2"]);
    folder.write("a", "3");
    assert_eq!(texts(watched.look(true)).unwrap(), ["3", "2"]);
}

/// The clock of a file system ticks slowly: what is written twice within one tick looks the same to a cheap look.
#[test]
fn a_second_change_with_the_same_metadata_is_seen() {
    let folder = Folder::new();
    let mut watched = Watched::begin(vec![folder.write("a", "1")]);
    handed_out(&mut watched, READING_LOOKS + 5);
    folder.write("a", "2");
    let Look::Changed(contents) = watched.look(true) else { panic!("a change") };
    watched.taken(&contents);
    folder.write("a", "3");
    // As if both were written within one tick: the metadata is that of the last write already.
    watched.prints = watched.files.iter().map(|file| print(file)).collect();
    assert_eq!(handed_out(&mut watched, 2).unwrap(), ["3"]);
}

#[test]
fn a_file_that_never_rests_is_handed_out_all_the_same() {
    let folder = Folder::new();
    let mut watched = Watched::begin(vec![folder.write("a", "0")]);
    let seen = (1..=4).filter(|round: &u32| {
        folder.write("a", &round.to_string());
        texts(watched.look(false)).is_some()
    });
    assert_eq!(seen.count(), 1);
}

/// As Kubernetes replaces a mounted secret: the file is a link through a folder that is a link, and only that one changes.
#[test]
fn a_link_that_leads_elsewhere_is_a_change() {
    let folder = Folder::new();
    let home = folder.write("other", "").with_file_name("");
    for (version, text) in [("v1", "1"), ("v2", "2")] {
        std::fs::create_dir(home.join(version)).unwrap();
        folder.write(&format!("{version}/file"), text);
    }
    symlink("v1", home.join("..data")).unwrap();
    symlink("..data/file", home.join("file")).unwrap();
    let mut watched = Watched::begin(vec![home.join("file")]);
    handed_out(&mut watched, READING_LOOKS + 5);
    symlink("v2", home.join("..data_new")).unwrap();
    std::fs::rename(home.join("..data_new"), home.join("..data")).unwrap();
    assert_eq!(handed_out(&mut watched, 2).unwrap(), ["2"]);
}

#[test]
fn what_was_refused_is_tried_again_when_it_changes_when_asked_and_when_it_is_due() {
    let folder = Folder::new();
    let mut watched = Watched::begin(vec![folder.write("a", "good")]);
    folder.write("a", "bad");
    let Look::Changed(bad) = watched.look(true) else { panic!("a change") };
    watched.refused(&bad, None);
    assert!(handed_out(&mut watched, READING_LOOKS + 5).is_none(), "the same content, tried again and again");
    assert_eq!(texts(watched.look(true)).unwrap(), ["bad"]);
    watched.refused(&bad, Some(3));
    assert!(handed_out(&mut watched, 3).is_none());
    assert_eq!(handed_out(&mut watched, 1).unwrap(), ["bad"]);
    watched.refused(&bad, None);
    // What is in force comes back: nothing to take over, and nothing is refused any more.
    folder.write("a", "good");
    assert!(matches!(watched.look(false), Look::AsInForce) && !watched.is_refused());
    assert!(handed_out(&mut watched, READING_LOOKS + 5).is_none());
}

#[test]
fn a_file_that_goes_is_a_change_and_its_coming_back_is_none() {
    let folder = Folder::new();
    let file = folder.write("a", "1");
    let mut watched = Watched::begin(vec![file.clone()]);
    std::fs::remove_file(&file).unwrap();
    let Look::Changed(contents) = watched.look(true) else { panic!("a change") };
    let error = contents[0].pem("certificate").err().unwrap().to_string();
    assert!(error.contains("cannot read certificate") && error.contains(&file.display().to_string()), "{error}");
    watched.refused(&contents, None);
    folder.write("a", "1");
    assert!(matches!(watched.look(true), Look::AsInForce));
}
