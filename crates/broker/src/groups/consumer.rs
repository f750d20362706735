//! ConsumerGroupHeartbeat (KIP-848).

use limpid_coordinator::{Client, Refusal};
use limpid_protocol::ErrorCode;
use limpid_protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};

use super::Groups;

impl Groups {
    /// ConsumerGroupHeartbeat.
    ///
    /// # Errors
    /// What the member is to hear.
    pub async fn consumer_heartbeat(
        &self,
        request: ConsumerGroupHeartbeatRequest,
        version: i16,
        client: Client,
    ) -> Result<ConsumerGroupHeartbeatResponse, Refusal> {
        let random = self.random.bytes16();
        let random = random.map_err(|_| ErrorCode::UnknownServerError)?;
        let shard = self.shard(&request.group_id).await?;
        if request.member_epoch == 0 {
            let done = self.step_in(&shard, |coordinator, now, out| {
                coordinator.prepare_consumer(now, (&request, version), out)
            });
            let done = done.await?;
            done.value?;
            done.written?;
        }
        let done = self.step_in(&shard, |coordinator, now, out| {
            coordinator.consumer_heartbeat(now, (request, version), client, random, out)
        });
        let done = done.await?;
        let answer = done.value?;
        done.written?;
        Ok(answer)
    }
}
