use limpid_cluster::words;

use super::*;

fn series(points: &[Option<f64>]) -> Series {
    let mut series = Series::default();
    for point in points {
        series.push(*point);
    }
    series
}

fn drawn(points: &[Option<f64>]) -> String {
    line(&series(points), "t", words::per_second)
}

#[test]
fn nothing_known_is_an_empty_chart_that_says_so() {
    let svg = drawn(&[None, None]);
    assert!(svg.contains("<title>t: not known yet</title>"), "{svg}");
    assert!(!svg.contains("path"), "{svg}");
    assert!(drawn(&[]).contains("not known yet"));
}

#[test]
fn one_point_can_be_seen() {
    let svg = drawn(&[Some(5.0)]);
    assert!(svg.contains("class=\"line\" d=\"M179.5 1.5h1\""), "{svg}");
    assert!(svg.contains("now 5.0/s; between 5.0/s and 5.0/s in the last minute"));
}

#[test]
fn a_flat_line_is_flat_and_zero_lies_at_the_bottom() {
    let flat = drawn(&[Some(3.0); 3]);
    assert!(
        flat.contains("d=\"M177.5 1.5L178.5 1.5L179.5 1.5\""),
        "{flat}"
    );
    let zero = drawn(&[Some(0.0); 2]);
    assert!(zero.contains("d=\"M178.5 38.5L179.5 38.5\""), "{zero}");
}

#[test]
fn gaps_part_the_line() {
    let svg = drawn(&[Some(1.0), Some(2.0), None, Some(2.0), Some(1.0)]);
    assert_eq!(svg.matches("class=\"line\"").count(), 2, "{svg}");
    assert!(svg.contains("between 1.0/s and 2.0/s"));
    let ended = drawn(&[Some(1.0), None]);
    assert!(ended.contains("now not known"), "{ended}");
}

#[test]
fn huge_numbers_stay_in_the_picture() {
    let svg = drawn(&[
        Some(0.0),
        Some(1e300),
        Some(f64::INFINITY),
        Some(f64::NAN),
        Some(-5.0),
    ]);
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    assert!(
        svg.contains("L176.5 1.5"),
        "the highest is at the top: {svg}"
    );
    assert_eq!(svg.matches("class=\"line\"").count(), 2, "{svg}");
}

#[test]
fn a_full_series_fills_the_width() {
    let svg = drawn(&[Some(1.0); POINTS + 20]);
    assert!(svg.contains("d=\"M0.5 1.5"), "{svg}");
    assert!(svg.contains("in the last 15 minutes"));
}

#[test]
fn titles_are_escaped() {
    let svg = line(&series(&[]), "<script>\"&", words::per_second);
    assert!(svg.contains("&lt;script&gt;&quot;&amp;"), "{svg}");
}

#[test]
fn a_table_has_a_row_per_minute() {
    let mut points = vec![Some(1.0); 12];
    points.extend([Some(2.0); 6]);
    points.extend([None; 6]);
    points.extend([None; 12]);
    let rows = minutes(&series(&points));
    assert_eq!(rows, [(0, None), (1, Some(2.0)), (2, Some(1.0))]);
    assert_eq!(
        highest(&series(&points), words::per_second).as_deref(),
        Some("2.0/s")
    );
}

#[test]
fn bars_never_leave_their_frame() {
    let parts = [
        Part {
            class: "a",
            share: 0.7,
        },
        Part {
            class: "b",
            share: 0.0,
        },
        Part {
            class: "c",
            share: 9.0,
        },
    ];
    let svg = bar(&parts, Some(2.0), "x");
    assert!(
        svg.contains("class=\"c\" x=\"700.0\" y=\"0\" width=\"300.0\""),
        "{svg}"
    );
    assert!(!svg.contains("class=\"b\""), "{svg}");
    assert!(svg.contains("class=\"mark\" x=\"998.0\""), "{svg}");
}

#[test]
fn coordinates_are_written_as_the_standard_library_writes_them() {
    let written = |value| {
        let mut path = String::new();
        push_tenths(&mut path, value);
        path
    };
    for eighth in 0..9_000 {
        let value = f64::from(eighth) / 8.0;
        assert_eq!(written(value), format!("{value:.1}"));
    }
    assert_eq!(written(99.96), "100.0");
}
