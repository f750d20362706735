use super::*;

fn beans() -> Beans {
    let mut beans = Beans::default();
    let value = |long| vec![("Value", BeanValue::Long(long))];
    beans.add(
        "kafka.server:type=ReplicaManager,name=LeaderCount",
        value(12),
    );
    beans.add(
        "kafka.server:type=ReplicaManager,name=PartitionCount",
        value(13),
    );
    beans.add(
        "kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec,topic=t",
        vec![
            ("Count", BeanValue::Long(7)),
            ("OneMinuteRate", BeanValue::Double(0.5)),
        ],
    );
    beans.add(
        "java.lang:type=Memory",
        vec![(
            "HeapMemoryUsage",
            BeanValue::Composite(vec![("used", BeanValue::Long(1_024))]),
        )],
    );
    beans
}

fn ask(json: Value) -> Value {
    let beans = beans();
    let request = Request::of_json(&json, Options::default());
    let mut answer = Answerer::new(&beans, 1_702_454_822).answer(request);
    let fields = answer.as_object_mut().expect("an object");
    assert_eq!(fields.remove("request"), Some(json));
    answer
}

fn value(json: Value) -> Value {
    let answer = ask(json);
    assert_eq!(answer["status"], 200, "{answer}");
    assert_eq!(answer["timestamp"], 1_702_454_822);
    answer["value"].clone()
}

#[test]
fn one_attribute_is_bare_and_several_are_a_map() {
    let bean = "kafka.server:name=BytesInPerSec,topic=t,type=BrokerTopicMetrics";
    let read =
        |attribute: Value| value(json!({"type": "read", "mbean": bean, "attribute": attribute}));
    assert_eq!(read(json!("Count")), 7);
    assert_eq!(read(json!(["Count"])), json!({"Count": 7}));
    let all = value(json!({"type": "read", "mbean": bean}));
    assert_eq!(all, json!({"Count": 7, "OneMinuteRate": 0.5}));
    let memory = json!({"type": "read", "mbean": "java.lang:type=Memory", "attribute": "HeapMemoryUsage", "path": "used"});
    assert_eq!(value(memory), 1_024);
}

#[test]
fn patterns_tell_names_as_the_broker_writes_them() {
    let pattern = "kafka.server:name=*,type=ReplicaManager";
    let read = value(json!({"type": "read", "mbean": pattern, "attribute": "Value"}));
    let expected = json!({
        "kafka.server:type=ReplicaManager,name=LeaderCount": {"Value": 12},
        "kafka.server:type=ReplicaManager,name=PartitionCount": {"Value": 13},
    });
    assert_eq!(read, expected);
    let found = value(json!({"type": "search", "mbean": pattern}));
    assert_eq!(found.as_array().expect("names").len(), 2);
    assert_eq!(
        value(json!({"type": "search", "mbean": "no.such:*"})),
        json!([])
    );
    let paths = json!({"type": "read", "mbean": pattern, "path": "*/Value"});
    let values = value(paths);
    assert_eq!(
        values["kafka.server:type=ReplicaManager,name=LeaderCount"],
        12
    );
    // Beans without the attribute are left out.
    let counts = value(json!({"type": "read", "mbean": "kafka.server:*", "attribute": ["Count"]}));
    assert_eq!(counts.as_object().expect("beans").len(), 1);
}

#[test]
fn what_is_not_there_is_404_and_changes_are_403() {
    let status = |json: Value| {
        let answer = ask(json);
        assert!(
            answer["error"].is_string() && answer.get("value").is_none(),
            "{answer}"
        );
        (answer["status"].clone(), answer["error_type"].clone())
    };
    let bean = "kafka.server:type=ReplicaManager,name=LeaderCount";
    let no_bean = status(json!({"type": "read", "mbean": "a:b=c"}));
    assert_eq!(
        no_bean,
        (
            json!(404),
            json!("javax.management.InstanceNotFoundException")
        )
    );
    for nothing in [
        json!({"type": "read", "mbean": "a:*"}),
        json!({"type": "read", "mbean": bean, "attribute": "Count"}),
        json!({"type": "read", "mbean": bean, "attribute": "Value", "path": "x"}),
        json!({"type": "list", "path": "no.such"}),
    ] {
        let no_attribute = (
            json!(404),
            json!("javax.management.AttributeNotFoundException"),
        );
        assert_eq!(status(nothing.clone()), no_attribute, "{nothing}");
    }
    assert_eq!(status(json!({"type": "read", "mbean": "no name"})).0, 400);
    let write = json!({"type": "write", "mbean": bean, "attribute": "Value", "value": 1});
    assert_eq!(status(write).0, 403);
    let exec = json!({"type": "exec", "mbean": bean, "operation": "reset"});
    assert_eq!(status(exec).0, 403);
    let errors = json!({"type": "read", "mbean": bean, "attribute": ["Value", "Count"], "config": {"ignoreErrors": true}});
    let beans = beans();
    let lenient = Answerer::new(&beans, 1).answer(Request::of_json(&errors, Options::default()));
    assert_eq!(lenient["value"]["Value"], 12);
    assert!(
        lenient["value"]["Count"]
            .as_str()
            .is_some_and(|text| text.starts_with("ERROR: "))
    );
}

#[test]
fn lists_are_as_deep_as_asked() {
    let all = value(json!({"type": "list"}));
    let count = &all["kafka.server"]["name=LeaderCount,type=ReplicaManager"]["attr"]["Value"];
    assert_eq!(count["type"], "long");
    let beans = beans();
    let ask = |path: &str, depth| {
        let options = Options {
            max_depth: depth,
            ..Options::default()
        };
        let answer = Answerer::new(&beans, 1).answer(Request::of_path(path, options));
        answer["value"].clone()
    };
    assert_eq!(
        ask("list", Some(1)),
        json!({"java.lang": 1, "kafka.server": 1})
    );
    assert_eq!(ask("list/java.lang", Some(1)), json!({"type=Memory": 1}));
    let desc = ask("list/java.lang/type=Memory/attr/HeapMemoryUsage/desc", None);
    assert_eq!(desc, "HeapMemoryUsage");
}

#[test]
fn one_http_request_is_told_of_so_many_beans_only() {
    let beans = beans();
    let answerer = Answerer::new(&beans, 1);
    answerer.tell(BEANS_TOLD_MAX).expect("that many");
    let answer = answerer.answer(Request::of_path("list", Options::default()));
    assert_eq!(answer["status"], 500);
}

#[test]
fn a_number_that_json_has_not_is_null() {
    let of = |double| json_of(&BeanValue::Double(double));
    assert_eq!(of(f64::NAN), Value::Null);
    assert_eq!(of(f64::NEG_INFINITY), Value::Null);
    assert_eq!(of(0.5), json!(0.5));
}
