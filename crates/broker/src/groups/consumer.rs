//! ConsumerGroupHeartbeat (KIP-848).

use limpid_coordinator::{Client, Refusal, Sight};
use limpid_protocol::ErrorCode;
use limpid_protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};

use super::Groups;

impl Groups {
    /// ConsumerGroupHeartbeat of a client that `sees` these topics.
    ///
    /// # Errors
    /// What the member is to hear.
    pub async fn consumer_heartbeat(
        &self,
        request: ConsumerGroupHeartbeatRequest,
        version: i16,
        client: Client,
        sees: &(dyn Fn(&str) -> bool + Sync),
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
        let config = self.settings.current();
        let refresh_ms = config.broker().groups.consumer.regex_refresh_ms;
        let whose = (client, Sight { sees, refresh_ms });
        let done = self.step_in(&shard, |coordinator, now, out| {
            coordinator.consumer_heartbeat(now, (request, version), whose, random, out)
        });
        let done = done.await?;
        let answer = done.value?;
        done.written?;
        Ok(answer)
    }
}
