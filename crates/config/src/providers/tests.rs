//! Tests of config providers.

use super::*;

fn entries(pairs: &[(&str, String)]) -> impl Fn(&str) -> Option<String> + use<> {
    let map: BTreeMap<String, String> = pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect();
    move |key| map.get(key).cloned()
}

fn class(name: &str) -> String {
    format!("{PACKAGE}{name}ConfigProvider")
}

#[test]
fn files_give_their_keys() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secrets.properties");
    std::fs::write(&path, "pw = a\\u0042:c\nother=x\npw=last\n").unwrap();
    let get = entries(&[
        ("config.providers", "file".into()),
        ("config.providers.file.class", class("File")),
    ]);
    let providers = Providers::declare(get, &[]).unwrap();
    let path = path.display();
    let replaced = providers.replace(&format!("<${{file:{path}:other}}|${{file:{path}:pw}}>"));
    assert_eq!(replaced.unwrap(), "<x|last>");
    let message = providers
        .replace(&format!("${{file:{path}:missing}}"))
        .unwrap_err();
    assert!(message.contains("missing"), "{message}");
    assert!(
        providers
            .replace("${file:/nonexistent:pw}")
            .unwrap_err()
            .contains("/nonexistent")
    );
    assert!(providers.replace("${file:pw}").is_err());
}

#[test]
fn directories_give_their_files_and_nothing_outside() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("pw"), "geheim\n").unwrap();
    std::fs::create_dir(dir.path().join("inner")).unwrap();
    let root = dir.path().display();
    let get = entries(&[
        ("config.providers", "dir".into()),
        ("config.providers.dir.class", class("Directory")),
        (
            "config.providers.dir.param.allowed.paths",
            dir.path().display().to_string(),
        ),
    ]);
    let providers = Providers::declare(get, &[]).unwrap();
    assert_eq!(
        providers.replace(&format!("${{dir:{root}:pw}}")).unwrap(),
        "geheim\n"
    );
    for outside in [
        format!("${{dir:{root}/inner/../..:pw}}"),
        format!("${{dir:{root}:../pw}}"),
        format!("${{dir:{root}:..}}"),
        format!("${{dir:{root}:/etc/passwd}}"),
        "${dir:/etc:passwd}".to_owned(),
    ] {
        assert!(providers.replace(&outside).is_err(), "{outside}");
    }
    assert!(
        providers
            .replace(&format!("${{dir:{root}/inner/..:pw}}"))
            .is_ok()
    );
}

#[test]
fn the_environment_gives_what_the_pattern_allows() {
    let env = [
        ("APP_PW".to_owned(), "a".to_owned()),
        ("HOME".to_owned(), "b".to_owned()),
    ];
    let get = entries(&[
        ("config.providers", "env".into()),
        ("config.providers.env.class", class("EnvVar")),
        (
            "config.providers.env.param.allowlist.pattern",
            "APP_.*".into(),
        ),
    ]);
    let providers = Providers::declare(get, &env).unwrap();
    assert_eq!(providers.replace("${env:APP_PW}").unwrap(), "a");
    assert!(providers.replace("${env:HOME}").is_err());
    assert!(providers.replace("${env:XAPP_PW}").is_err());
    assert!(providers.replace("${env:APP_MISSING}").is_err());
}

#[test]
fn what_no_provider_owns_is_left_alone() {
    let providers = Providers::declare(|_| None, &[]).unwrap();
    for text in [
        "",
        "plain",
        "${env:HOME}",
        "${open",
        "$",
        "${}",
        "}${",
        "a${b}c",
    ] {
        assert_eq!(providers.replace(text).unwrap(), text);
    }
}

#[test]
fn what_a_placeholder_gives_is_not_replaced_again() {
    let env = [("A".to_owned(), "${env:A}".to_owned())];
    let get = entries(&[
        ("config.providers", "env".into()),
        ("config.providers.env.class", class("EnvVar")),
    ]);
    let providers = Providers::declare(get, &env).unwrap();
    assert_eq!(
        providers.replace("${env:A}${env:A}").unwrap(),
        "${env:A}${env:A}"
    );
}

#[test]
fn declarations_are_checked() {
    let declare = |pairs: &[(&str, String)]| Providers::declare(entries(pairs), &[]).err();
    let (key, _) = declare(&[("config.providers", "a".into())]).unwrap();
    assert_eq!(key, "config.providers");
    let vault = ("config.providers.a.class", "com.example.Vault".to_owned());
    let (key, _) = declare(&[("config.providers", "a".into()), vault]).unwrap();
    assert_eq!(key, "config.providers.a.class");
    let (key, _) = declare(&[
        ("config.providers", "a".into()),
        ("config.providers.a.class", class("File")),
        ("config.providers.a.param.allowed.paths", "relative".into()),
    ])
    .unwrap();
    assert_eq!(key, "config.providers.a.param.allowed.paths");
    let (key, _) = declare(&[
        ("config.providers", "a".into()),
        ("config.providers.a.class", class("EnvVar")),
        ("config.providers.a.param.allowlist.pattern", "(".into()),
    ])
    .unwrap();
    assert_eq!(key, "config.providers.a.param.allowlist.pattern");
}
