// SPDX-License-Identifier: GPL-2.0

//! The ways to break the drivers that KUnit's suites have to notice (`tests/kunit/mutants.list`).

use std::fs;
use std::process::Command;

use source_check::top;

#[test]
fn each_breaks_the_code_of_today() {
    let list = fs::read_to_string(top().join("tests/kunit/mutants.list")).unwrap();
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<_> = line.split('\t').filter(|field| !field.is_empty()).collect();
        let [_round, _suite, file, expression] = fields[..] else {
            panic!("not four fields: {line}");
        };
        let broken = Command::new("sed")
            .args(["-e", expression, file])
            .current_dir(top())
            .output()
            .unwrap();
        assert!(broken.status.success(), "sed cannot do {expression}");
        let whole = fs::read(top().join(file)).unwrap();
        assert!(
            broken.stdout != whole,
            "nothing in {file} is changed by {expression}"
        );
    }
}
