//! Every package ends with a version, so that a later one can stand beside it.

use prost_reflect::FileDescriptor;

use super::place::Place;
use super::report::Report;
use crate::sources::Sources;

/// Number of `package` in the descriptor of a file.
const PACKAGE: i32 = 2;

/// Checks the packages of the files that are to be generated.
pub(super) fn check(sources: &Sources, report: &mut Report<'_>) {
    for file in sources.roots() {
        check_file(&file, report);
    }
}

fn check_file(file: &FileDescriptor, report: &mut Report<'_>) {
    let package = file.package_name();
    if package.is_empty() {
        let mend = "add one that ends with a version, such as \"package orders.v1;\"";
        report.add(Place::in_file(file, &[]), "the file has no package", mend);
    } else if !package
        .rsplit_once('.')
        .is_some_and(|(_, version)| is_version(version))
    {
        let what = format!("package {package} does not end with a version");
        let mend = format!("name it \"package {package}.v1;\"");
        report.add(Place::in_file(file, &[PACKAGE]), what, mend);
    }
}

/// Whether it is `v1`, or one on the way to it as `v1beta2`.
fn is_version(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('v') else {
        return false;
    };
    let numbers = rest.split_once("alpha").or_else(|| rest.split_once("beta"));
    match numbers {
        Some((major, minor)) => is_number(major) && is_number(minor),
        None => is_number(rest),
    }
}

fn is_number(text: &str) -> bool {
    !text.starts_with('0') && text.parse::<u32>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_version;

    #[test]
    fn a_version_is_v_and_a_number() {
        // Released and coming versions pass, everything else does not.
        assert!(
            ["v1", "v12", "v1beta1", "v2alpha3"]
                .into_iter()
                .all(is_version)
        );
        assert!(
            !["", "v", "v0", "1", "V1", "v1.2", "v1beta", "vbeta1"]
                .into_iter()
                .any(is_version)
        );
    }
}
