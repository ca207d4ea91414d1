//! Every planted bug can still be planted.

use holdfast_scripts::planted::{all, tree};
use holdfast_scripts::workspace::Workspace;

#[test]
fn every_patch_fits_the_tree_and_says_what_it_does() {
    let root = Workspace::read().unwrap().root;
    let bugs = all(&root).unwrap();
    let told = std::fs::read_to_string(root.join("docs/TESTING.md")).unwrap();
    assert!(bugs.len() >= 12, "there are only {}", bugs.len());
    for bug in bugs {
        assert!(told.contains(&format!("| {} |", bug.name)), "docs/TESTING.md says what found {}", bug.name);
        assert!(bug.what().unwrap().ends_with('.'), "{} begins with a sentence", bug.name);
        tree::check(&root, &bug).unwrap_or_else(|error| panic!("{}: {error:#}", bug.name));
    }
}
