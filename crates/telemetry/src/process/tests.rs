use super::*;

#[test]
fn the_kernels_numbers_are_read() {
    let mut samples = Samples::new();
    ProcessCollector::new().collect(&mut samples).unwrap();
    let value = |d: &'static Declaration| {
        let family = samples.families().iter().find(|f| f.head().name == d.name);
        match family.unwrap().iter().next().unwrap().1 {
            crate::collect::Number64::Int(v) => v as f64,
            crate::collect::Number64::Float(v) => v,
        }
    };
    assert!(value(&families::RESIDENT) > 500_000.0);
    assert!(value(&families::OPEN_FDS) >= 3.0);
    assert!(value(&families::MAX_FDS) >= value(&families::OPEN_FDS));
    assert!(value(&families::THREADS) >= 1.0);
    let age = unix_seconds() - value(&families::START);
    assert!((-2.0..86_400.0).contains(&age), "{age}");
}

#[test]
fn a_command_name_with_brackets_and_blanks() {
    let rest = "S 1 1 1 0 -1 4194560 9 0 0 0 250 50 0 0 20 0 7 0 123456 8192000 300 1 1";
    let stat = Stat::parse(&format!("42 (a) b ( c) {rest}")).unwrap();
    assert_eq!(stat.cpu_ticks, 300);
    assert_eq!(
        (stat.threads, stat.start_ticks, stat.virtual_bytes),
        (7, 123_456, 8_192_000)
    );
    assert!(Stat::parse("42 (cut").is_none());
    assert!(Stat::parse("42 (cut) S 1 2").is_none());
}
