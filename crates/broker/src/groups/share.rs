//! Steps of share groups.

use limpid_coordinator::{Coordinator, Now, Out, Refusal};

use super::Groups;

impl Groups {
    /// A step of a share group; it counts when its records are written.
    ///
    /// # Errors
    /// What the client is to hear.
    pub async fn share<T>(
        &self,
        group_id: &str,
        step: impl FnOnce(&mut Coordinator, Now, &mut Out) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let done = self.step(group_id, step).await?;
        let value = done.value?;
        done.written?;
        Ok(value)
    }
}
