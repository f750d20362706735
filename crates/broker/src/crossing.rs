//! The connections of a listener's socket: at the entrance, and on the data path.
//!
//! Whoever comes is served at the entrance, by a thread that comes last, until there is a whole request that
//! may be answered; so those who never send one cost the threads of the data path nothing. The task of the
//! connection then goes on over there. It comes back while a request arrives in tiny pieces, or a long one while
//! others send short ones.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use limpid_telemetry::InFlight;
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinSet};

use crate::aside::{Aside, Carried};
use crate::metrics::EntranceMetrics;
use crate::places::{Place, poll_at};

/// A task that wants to be in the other place; none if it has ended.
type Crosser<F> = Option<Pin<Box<F>>>;

/// See the module. Those at the entrance are tasks of the runtime that this is used in.
pub(crate) struct Guests<F: Future> {
    at_entrance: JoinSet<Crosser<F>>,
    on_data_path: JoinSet<Crosser<F>>,
    data: Handle,
    aside: Arc<Aside>,
    metrics: EntranceMetrics,
}

impl<F> Guests<F>
where
    F: Future<Output = ()> + Send + 'static,
{
    /// Nobody yet.
    pub(crate) fn new(data: Handle, aside: Arc<Aside>, metrics: EntranceMetrics) -> Self {
        Self {
            at_entrance: JoinSet::new(),
            on_data_path: JoinSet::new(),
            data,
            aside,
            metrics,
        }
    }

    /// Somebody comes.
    pub(crate) fn admit(&mut self, task: F) {
        self.welcome(Box::pin(task));
    }

    /// Waits until somebody has ended or gone over; `None` if there is nobody. Nothing is lost if this is dropped.
    pub(crate) async fn settle(&mut self) -> Option<()> {
        tokio::select! {
            Some(done) = self.at_entrance.join_next() => {
                if let Some(task) = crosser(done) {
                    self.metrics.passed.inc();
                    let guest = OnDataPath(self.aside.carry_guest(task));
                    self.on_data_path.spawn_on(guest, &self.data);
                }
            }
            Some(done) = self.on_data_path.join_next() => {
                if let Some(task) = crosser(done) {
                    self.metrics.returned.inc();
                    self.welcome(task);
                }
            }
            else => return None,
        }
        Some(())
    }

    fn welcome(&mut self, task: Pin<Box<F>>) {
        self.at_entrance.spawn(AtEntrance {
            task: Some(task),
            _here: self.metrics.connections.track(),
        });
    }
}

/// A panic has ended only the connection, and has been told of.
fn crosser<F>(done: Result<Crosser<F>, JoinError>) -> Crosser<F> {
    done.ok().flatten()
}

struct AtEntrance<F> {
    task: Crosser<F>,
    _here: InFlight,
}

impl<F: Future<Output = ()>> Future for AtEntrance<F> {
    type Output = Crosser<F>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Crosser<F>> {
        let Some(task) = &mut self.task else {
            return Poll::Ready(None);
        };
        match poll_at(Place::Entrance, task, context) {
            (Poll::Ready(()), _) => Poll::Ready(None),
            (Poll::Pending, Some(Place::Data)) => Poll::Ready(self.task.take()),
            (Poll::Pending, _) => Poll::Pending,
        }
    }
}

struct OnDataPath<F: Future>(Carried<F>);

impl<F> Future for OnDataPath<F>
where
    F: Future<Output = ()> + Send + 'static,
{
    type Output = Crosser<F>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Crosser<F>> {
        match Pin::new(&mut self.0).poll(context) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => match self.0.leaver() {
                Some(task) => Poll::Ready(Some(task)),
                None => Poll::Pending,
            },
        }
    }
}

#[cfg(test)]
mod tests;
