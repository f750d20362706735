//! The part of BENCHMARKS.md that the harness writes, between two markers; the rest is by hand.

use anyhow::{Context, Result};

const BEGIN: &str = "<!-- written by `cargo xtask bench --write`: begin -->";
const END: &str = "<!-- written by `cargo xtask bench --write`: end -->";

/// The document with another report in it.
///
/// # Errors
/// When it doesn't have both markers in this order.
pub fn with_report(document: &str, report: &str) -> Result<String> {
    let (before, rest) = document.split_once(BEGIN).context("no marker begins")?;
    let (_, after) = rest.split_once(END).context("no marker ends")?;
    Ok(format!(
        "{before}{BEGIN}\n\n{}\n\n{END}{after}",
        report.trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_markers_changes() {
        let document = format!("# Title\n{BEGIN}\nold\n{END}\n\nby hand\n");
        let once = with_report(&document, "| new |\n").unwrap();
        assert_eq!(
            once,
            format!("# Title\n{BEGIN}\n\n| new |\n\n{END}\n\nby hand\n")
        );
        assert_eq!(with_report(&once, "| new |\n").unwrap(), once);
        assert!(with_report("nothing", "new").is_err());
        assert!(with_report(&format!("{END}{BEGIN}"), "new").is_err());
    }

    #[test]
    fn the_document_of_the_project_has_its_markers() {
        let path = crate::tools::helpers().join("../../BENCHMARKS.md");
        let document = std::fs::read_to_string(path).unwrap();
        assert!(with_report(&document, "x").is_ok());
    }
}
