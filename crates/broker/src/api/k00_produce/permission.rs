//! What of a produce request the client may not do.

use limpid_protocol::ErrorCode;
use limpid_protocol::messages::ProduceRequest;
use limpid_protocol::messages::produce_request::TopicProduceData;

use crate::access::{Operation, ResourceKind};
use crate::handler::Call;
use crate::topics::Topics;

/// Takes the topics out of a request that the client may not write to, or all of them if it may not
/// use the transactional id. Returns them, and the error they are answered with.
pub(super) fn take_denied(
    request: &mut ProduceRequest,
    topics: &Topics,
    call: &Call<'_>,
) -> (Vec<TopicProduceData>, ErrorCode) {
    if let Some(id) = &request.transactional_id
        && !call.may(Operation::Write, ResourceKind::TransactionalId, id)
    {
        let all = std::mem::take(&mut request.topic_data);
        return (all, ErrorCode::TransactionalIdAuthorizationFailed);
    }
    if !call.access.is_enforced() {
        return (Vec::new(), ErrorCode::None);
    }
    let table = topics.table();
    let may_write = |data: &TopicProduceData| {
        let by_id = call.version >= 13;
        let name = match table.with_id(data.topic_id).filter(|_| by_id) {
            Some(topic) => &*topic.name,
            // A topic of an unknown id has no name to be denied by.
            None if by_id => return true,
            None => data.name.as_str(),
        };
        call.may(Operation::Write, ResourceKind::Topic, name)
    };
    let all = std::mem::take(&mut request.topic_data).into_iter();
    let (allowed, denied) = all.partition(may_write);
    request.topic_data = allowed;
    (denied, ErrorCode::TopicAuthorizationFailed)
}
