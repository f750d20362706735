//! What the descriptions of groups of all types have in common.

use limpid_coordinator::Refusal;
use limpid_protocol::ErrorCode;

use crate::access::ResourceKind;
use crate::groups::Done;
use crate::handler::Call;
use crate::operations;

/// What a client is told instead of a group.
pub(super) type Withheld = (ErrorCode, Option<String>);

/// The group that was found, if the client may know of the topics that its members read; else
/// `hidden` says that it may not.
pub(super) fn shown<G>(
    done: Result<Done<Result<G, Refusal>>, ErrorCode>,
    may_see: impl FnOnce(&G) -> bool,
    hidden: &str,
) -> Result<G, Withheld> {
    match done.map(|done| done.value) {
        Ok(Ok(group)) if may_see(&group) => Ok(group),
        Ok(Ok(_)) => {
            let error = ErrorCode::TopicAuthorizationFailed;
            Err((error, Some(hidden.to_owned())))
        }
        Ok(Err(refusal)) => Err((refusal.error, Some(refusal.message))),
        Err(error) => Err((error, None)),
    }
}

/// What the client may do with a group, as a bit field (KIP-430), if it asked and the group is
/// described.
pub(super) fn operations_of(call: &Call<'_>, asked: bool, error_code: i16, id: &str) -> i32 {
    match asked && error_code == ErrorCode::None.code() {
        true => call.operations(operations::GROUP, ResourceKind::Group, id),
        false => operations::NOT_ASKED,
    }
}
