//! The list of the suite names every case that is written.

#[test]
fn every_case_stands_in_the_list() {
    // A case that is missing in the list would never run, and nobody would notice.
    let list = include_str!("../src/lib.rs");
    let areas = [
        ("cooperative", include_str!("../src/cooperative.rs")),
        ("flow_control", include_str!("../src/flow_control.rs")),
        ("groups", include_str!("../src/groups.rs")),
        ("offsets", include_str!("../src/offsets.rs")),
        ("readers", include_str!("../src/readers.rs")),
        ("records", include_str!("../src/records.rs")),
        ("statics", include_str!("../src/statics.rs")),
        ("topics", include_str!("../src/topics.rs")),
    ];
    for (area, source) in areas {
        assert!(
            list.contains(&format!("pub mod {area};")),
            "{area} is a module"
        );
        let cases = source
            .lines()
            .filter_map(|line| line.strip_prefix("pub async fn ")?.split('(').next());
        let mut count = 0;
        for case in cases {
            count += 1;
            let entry = format!("{area}::{case},");
            assert!(list.contains(&entry), "{entry} is missing in `suite!`");
        }
        assert!(count > 0, "{area} has cases");
    }
    let modules = list.lines().filter(|line| line.starts_with("pub mod "));
    assert_eq!(modules.count(), areas.len(), "every module is looked at");
}
