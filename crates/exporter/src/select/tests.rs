use super::*;

fn asked(parameters: &[(&str, &str)]) -> Result<Selection, UnknownDialect> {
    Selection::of(parameters.iter().copied())
}

#[test]
fn nothing_asked_is_what_the_configuration_says() {
    let selection = asked(&[("timeout", "3")]).unwrap();
    assert_eq!(selection, Selection::default());
    assert!(selection.own() && selection.wants("anything"));
    assert!(selection.speaks("strimzi", true) && !selection.speaks("kminion", false));
}

#[test]
fn named_dialects_are_shown_alone_whether_they_are_on_or_off() {
    let selection = asked(&[("dialect", "kminion, limpid"), ("dialect", "strimzi")]).unwrap();
    for dialect in ["kminion", "limpid", "strimzi"] {
        assert!(selection.speaks(dialect, false), "{dialect}");
    }
    assert!(!selection.speaks("kafka_exporter", true) && selection.own());
    let own = asked(&[("dialect", "limpid")]).unwrap();
    assert!(own.own() && !own.speaks("strimzi", true));
    let all = asked(&[("dialect", "all")]).unwrap();
    assert!(all.own() && dialects::DIALECTS.iter().all(|d| all.speaks(d, false)));
}

#[test]
fn families_are_named_one_by_one() {
    let selection = asked(&[("collect[]", "kafka_brokers"), ("collect[]", "x")]).unwrap();
    assert!(selection.wants("kafka_brokers") && selection.wants("x"));
    assert!(!selection.wants("kafka_broker_info"));
}

#[test]
fn an_unknown_dialect_is_told_with_those_that_exist() {
    let error = asked(&[("dialect", "kminion,zabbix")]).unwrap_err();
    let expected = format!(
        "unknown metrics dialect `zabbix`, known are: limpid, {}, all",
        dialects::DIALECTS.join(", ")
    );
    assert_eq!(error.to_string(), expected);
    assert!(asked(&[("dialect", "")]).is_err());
}
