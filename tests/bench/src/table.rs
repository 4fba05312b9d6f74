//! The report for people.

use std::fmt::Write as _;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};

use crate::report::{Compared, Contended, Report};
use crate::statistics::Summary;

/// Shown where there is no number.
const NOTHING: &str = "–";

/// All of a report as text.
pub(crate) fn text(report: &Report) -> String {
    let mut text = format!(
        "quadrille {} beside bare rdkafka on {} processors, {}, {} repetitions\n",
        report.version, report.processors, report.began, report.repetitions
    );
    if !report.optimised {
        text.push_str("BUILT WITHOUT OPTIMISATIONS: these numbers mean nothing; use make bench\n");
    }
    for compared in &report.cases {
        // A string grows as needed.
        let _ = write!(text, "\n{}", of_case(compared));
    }
    text
}

fn of_case(compared: &Compared) -> String {
    let is_timed = compared.contenders.iter().any(|one| one.p50_us.is_some());
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    let heads: &[&str] = match is_timed {
        true => &[
            "",
            "p50 µs",
            "min – max",
            "ratio",
            "p99 µs",
            "min – max",
            "ratio",
        ],
        false => &["", "events/s", "min – max", "ratio"],
    };
    let costs = ["CPU µs/event", "Kafka µs/event", "MiB"];
    table.set_header(heads.iter().chain(&costs));
    for contended in &compared.contenders {
        let mut row = vec![contended.name.clone()];
        if is_timed {
            row.extend(measured(contended.p50_us, contended.p50_ratio));
            row.extend(measured(contended.p99_us, contended.p99_ratio));
        } else {
            row.extend(measured(contended.rate, contended.rate_ratio));
        }
        row.push(cost(contended.processor_us_per_event));
        row.push(cost(contended.kafka_us_per_event));
        row.push(contended.memory_peak_mib.to_string());
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut text = format!("{}: {}", compared.case.name(), compared.case.title());
    let _ = writeln!(
        text,
        " ({} events)\n{table}",
        grouped(compared.events as f64)
    );
    for contended in &compared.contenders {
        notes(&mut text, contended);
    }
    if let Some(others) = compared.busy_with_others {
        let Summary { median, max, .. } = others;
        let _ = writeln!(
            text,
            "  others used {median:.2} processors, {max:.2} at most"
        );
    }
    text
}

fn notes(text: &mut String, contended: &Contended) {
    let name = &contended.name;
    if let (Some(goal), Some(reached)) = (&contended.goal, contended.goal_reached) {
        let word = if reached { "reached" } else { "MISSED" };
        let _ = writeln!(text, "  {name}: {goal} {word}");
    }
    let reactions = contended.measures.iter();
    let reactions = reactions.filter_map(|measured| measured.measure.reaction_us_mean);
    if let Some(reaction) = Summary::of(reactions) {
        let _ = writeln!(text, "  {name}: a reaction took {:.0} µs", reaction.median);
    }
    for fault in &contended.faults {
        let _ = writeln!(text, "  {name}: NO NUMBER: {fault}");
    }
}

fn measured(summary: Option<Summary>, ratio: Option<f64>) -> [String; 3] {
    let Some(Summary { median, min, max }) = summary else {
        return [NOTHING; 3].map(str::to_owned);
    };
    [
        grouped(median),
        format!("{} – {}", grouped(min), grouped(max)),
        ratio.map_or_else(|| NOTHING.to_owned(), |ratio| format!("{ratio:.2}")),
    ]
}

fn cost(summary: Option<Summary>) -> String {
    summary.map_or_else(
        || NOTHING.to_owned(),
        |summary| format!("{:.2}", summary.median),
    )
}

/// A number with commas, and without what stands behind the point.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn numbers_are_grouped() {
        // Shows where commas stand and where they do not.
        let cases = [
            (0.4, "0"),
            (999.0, "999"),
            (1_000.0, "1,000"),
            (1_234_567.8, "1,234,568"),
        ];
        for (number, expected) in cases {
            assert_eq!(grouped(number), expected);
        }
    }

    #[test]
    fn a_table_says_what_was_missed() {
        // Shows rates, ratios, goals, and that neither a fault nor a debug build goes unsaid.
        let mut report = report();
        let told = text(&report);
        for expected in [
            "publish: publish, waiting for no answer (1,000 events)",
            "500 – 1,000",
            "0.50",
            "quadrille: at least 0.85 MISSED",
            "quadrille: NO NUMBER: it fell over",
            "others used 0.10 processors, 0.10 at most",
        ] {
            assert!(told.contains(expected), "{expected:?} is not in\n{told}");
        }
        assert!(!told.contains("WITHOUT OPTIMISATIONS"));
        report.optimised = false;
        assert!(text(&report).contains("WITHOUT OPTIMISATIONS"));
    }
}
