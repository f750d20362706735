//! Long work of a connection goes on aside: on threads that the kernel takes the processor from when a thread
//! of the data path has something to do.
//!
//! A piece of work that can't be cut, such as a batch that becomes 64 MiB, keeps everybody waiting who has a
//! request on the same thread; and on a machine with one processor that is everybody. Work that gave way
//! before it began doesn't help those who come a moment later. So the whole task of such a connection moves:
//! it is [`Carried`], and when it asks for that it is polled by a thread of the pool until it wants to be
//! back. Nothing is copied, nothing is shared that was not before, and what a connection does stays in order,
//! since it is one task all along. Locks that are held for longer than a moment are not for here: whoever
//! waits for one would come last as well. A task that is aborted is dropped when its piece has come to an
//! end, as a thread of the data path would do.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use limpid_platform::blocking::{BlockingPool, PoolStats};
use limpid_platform::nice::NICER;
use limpid_telemetry::During;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use crate::metrics::AsideMetrics;
use crate::places::{self, Place, go_to, poll_at};

/// An answer about all topics takes long to make when there are more than this.
pub(crate) const LONG_ANSWER_TOPICS: usize = 1_000;

/// The threads, and places on them.
pub struct Aside {
    pool: BlockingPool,
    /// As many as there are threads: who has a place waits for no thread.
    places: Semaphore,
    metrics: AsideMetrics,
}

impl Aside {
    /// Beside a data path of so many threads.
    ///
    /// # Errors
    /// If the system can't start a thread.
    pub fn new(data_threads: usize, metrics: AsideMetrics) -> std::io::Result<Self> {
        let threads = data_threads.saturating_sub(1).max(1);
        metrics.threads.set(threads as i64);
        Ok(Self {
            pool: BlockingPool::nicer("limpid-aside", threads, threads, NICER)?,
            places: Semaphore::new(threads),
            metrics,
        })
    }

    /// Waits for a place, and goes on there if this is polled by something [`Carried`]. Awaited by the task
    /// itself, not in a set of futures that polls only who was woken.
    pub async fn enter(&self) -> Option<Section<'_>> {
        let waiting = self.metrics.waiting.during();
        let place = self.places.acquire().await.ok()?;
        drop(waiting);
        self.metrics.pieces.inc();
        let section = Section {
            _place: place,
            _used: self.metrics.in_use.during(),
        };
        go_to(Place::Aside).await;
        Some(section)
    }

    /// A task that can go aside.
    pub fn carry<F: Future>(self: &Arc<Self>, task: F) -> Carried<F> {
        Carried {
            aside: Arc::clone(self),
            at: At::Rest(Box::pin(task)),
            is_aside: false,
            exit: Exit::None,
        }
    }

    /// The same, for one that can also go to the entrance: its carrier is done then.
    pub(crate) fn carry_guest<F: Future>(self: &Arc<Self>, task: Pin<Box<F>>) -> Carried<F> {
        Carried {
            aside: Arc::clone(self),
            at: At::Rest(task),
            is_aside: false,
            exit: Exit::Open,
        }
    }

    /// Ends the threads when they have done what they have begun. What wants to go aside later stays where it is.
    pub fn end(&self) {
        self.pool.shutdown();
    }

    /// What the threads do.
    pub fn stats(&self) -> PoolStats {
        self.pool.stats()
    }
}

/// A task is aside as long as it has this; when it is dropped, until the next time that the task waits.
pub struct Section<'a> {
    _place: SemaphorePermit<'a>,
    _used: During<'a>,
}

impl Section<'_> {
    /// Goes back to the data path. The place is free when the task has left it.
    pub async fn end(self) {
        go_to(Place::Data).await;
    }
}

impl Drop for Section<'_> {
    fn drop(&mut self) {
        places::leave_aside();
    }
}

/// A task that is polled aside while it wants that.
pub struct Carried<F: Future> {
    aside: Arc<Aside>,
    at: At<F>,
    is_aside: bool,
    exit: Exit,
}

/// Whether a task can go to the entrance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    /// There is none.
    None,
    /// It can.
    Open,
    /// It wants to.
    Wanted,
}

enum At<F: Future> {
    /// Polled by nobody.
    Rest(Pin<Box<F>>),
    /// Polled by a thread of the pool, which gives it back.
    Pool(Arc<Bell>, oneshot::Receiver<Parcel<F>>),
    /// It has ended, or panicked.
    Ended,
}

/// A task that comes back.
struct Parcel<F: Future> {
    task: Pin<Box<F>>,
    polled: Result<Poll<F::Output>, Box<dyn Any + Send>>,
    wanted: Option<Place>,
}

/// Wakes the carrier, and remembers that it did: it may ring before the task is back.
struct Bell {
    carrier: Waker,
    rang: AtomicBool,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rang.store(true, Ordering::Release);
        self.carrier.wake_by_ref();
    }
}

impl<F> Future for Carried<F>
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let me = &mut *self;
        loop {
            match std::mem::replace(&mut me.at, At::Ended) {
                At::Rest(mut task) => {
                    if me.is_aside {
                        me.at = me.aside.send(task, context.waker());
                        me.is_aside = matches!(me.at, At::Pool(..));
                        continue;
                    }
                    let (polled, wanted) = poll_at(Place::Data, &mut task, context);
                    if polled.is_ready() {
                        return polled;
                    }
                    me.at = At::Rest(task);
                    match wanted {
                        Some(Place::Aside) => me.is_aside = true,
                        Some(Place::Entrance) if me.exit == Exit::None => {}
                        Some(Place::Entrance) => {
                            me.exit = Exit::Wanted;
                            return Poll::Pending;
                        }
                        _ => return Poll::Pending,
                    }
                }
                At::Pool(bell, mut parcel) => {
                    let Poll::Ready(parcel) = Pin::new(&mut parcel).poll(context) else {
                        me.at = At::Pool(bell, parcel);
                        return Poll::Pending;
                    };
                    let parcel = parcel.expect("a job that was taken is done");
                    let polled = parcel.polled.unwrap_or_else(|panic| resume_unwind(panic));
                    if polled.is_ready() {
                        return polled;
                    }
                    me.at = At::Rest(parcel.task);
                    match parcel.wanted {
                        // Nobody goes from here to the entrance: it goes on, on the data path.
                        Some(Place::Data | Place::Entrance) => me.is_aside = false,
                        // Otherwise it waits for something, and it may be there already.
                        _ if bell.rang.load(Ordering::Acquire) => {}
                        _ => return Poll::Pending,
                    }
                }
                At::Ended => panic!("a task was polled after its end"),
            }
        }
    }
}

impl<F: Future> Carried<F> {
    /// The task, if it wants to be at the entrance.
    pub(crate) fn leaver(&mut self) -> Option<Pin<Box<F>>> {
        if self.exit != Exit::Wanted {
            return None;
        }
        match std::mem::replace(&mut self.at, At::Ended) {
            At::Rest(task) => Some(task),
            at => {
                self.at = at;
                None
            }
        }
    }
}

impl Aside {
    /// Has a task polled by the pool, if that takes it.
    fn send<F>(&self, task: Pin<Box<F>>, carrier: &Waker) -> At<F>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        let bell = Arc::new(Bell {
            carrier: carrier.clone(),
            rang: AtomicBool::new(false),
        });
        let waker = Waker::from(Arc::clone(&bell));
        let runtime = Handle::current();
        let (sender, receiver) = oneshot::channel();
        let baggage = Arc::new(Mutex::new(Some(task)));
        let carried = Arc::clone(&baggage);
        let submitted = self.pool.submit(move || {
            let Some(mut task) = carried.lock().take() else {
                return;
            };
            let _timers = runtime.enter();
            let mut wanted = None;
            let polled = catch_unwind(AssertUnwindSafe(|| {
                let mut context = Context::from_waker(&waker);
                let polled = poll_at(Place::Aside, &mut task, &mut context);
                wanted = polled.1;
                polled.0
            }));
            let parcel = Parcel {
                task,
                polled,
                wanted,
            };
            // If the carrier is gone, the task ends here.
            drop(sender.send(parcel));
        });
        match submitted {
            Ok(()) => At::Pool(bell, receiver),
            Err(_) => {
                let task = baggage.lock().take();
                At::Rest(task.expect("nobody took it"))
            }
        }
    }
}

#[cfg(test)]
mod tests;
