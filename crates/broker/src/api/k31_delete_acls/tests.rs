use super::*;

/// KafkaJS takes the empty text for an error without words.
#[test]
fn success_has_no_message() {
    let result = deleted(vec![AccessControlEntryRecord::default()]);
    assert_eq!((result.error_code, result.error_message), (0, None));
    assert_eq!(result.matching_acls[0].error_message, None);
}
