use std::io::Write;
use std::net::TcpStream as Client;
use std::sync::Mutex;
use std::time::Duration;

use limpid_telemetry::Registry;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::*;
use crate::byte_stream::{ByteStream, move_to};
use crate::frame::{FrameLimits, FrameReader};
use crate::metrics::AsideMetrics;
use crate::places::go_to;
use crate::request_memory::RequestMemory;
use crate::socket::Socket;
use crate::turns::Turns;

/// Beyond this a test has failed; nobody waits for so long otherwise.
const PATIENCE: Duration = Duration::from_secs(30);
const ENTRANCE: &str = "entrance";
const DATA: &str = "data";

fn runtime(name: &str) -> Runtime {
    let mut runtime = Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).thread_name(name).enable_all();
    runtime.build().expect("a runtime")
}

fn thread() -> String {
    let current = std::thread::current();
    current.name().unwrap_or_default().to_owned()
}

/// Both places, and what was said in them.
struct Scene {
    entrance: Runtime,
    data: Runtime,
    metrics: EntranceMetrics,
    said: Arc<Mutex<Vec<String>>>,
}

impl Scene {
    fn new() -> Self {
        Self {
            entrance: runtime(ENTRANCE),
            data: runtime(DATA),
            metrics: EntranceMetrics::register(&Registry::new()).expect("no name is taken"),
            said: Arc::default(),
        }
    }

    fn guests<F: Future<Output = ()> + Send + 'static>(&self) -> Guests<F> {
        let aside = AsideMetrics::register(&Registry::new()).expect("no name is taken");
        let aside = Arc::new(Aside::new(1, aside).expect("threads"));
        Guests::new(self.data.handle().clone(), aside, self.metrics.clone())
    }

    /// Adds where this is called, and something.
    fn say(&self) -> impl Fn(&str) + Send + Sync + use<> {
        let said = Arc::clone(&self.said);
        move |what| said.lock().unwrap().push(format!("{} {what}", thread()))
    }

    /// Serves guests until they have ended, and tells what was said.
    fn serve<F: Future<Output = ()> + Send + 'static>(&self, tasks: Vec<F>) -> Vec<String> {
        let mut guests = self.guests();
        let served = self.entrance.spawn(async move {
            tasks.into_iter().for_each(|task| guests.admit(task));
            while guests.settle().await.is_some() {}
        });
        let served = async { timeout(PATIENCE, served).await };
        let served = self.entrance.block_on(served);
        served.expect("they end").expect("no panic");
        assert_eq!(self.metrics.connections.get(), 0);
        self.said.lock().unwrap().clone()
    }

    /// A client, and the broker's end, which is known at the entrance.
    fn pair(&self) -> (Client, Socket) {
        self.entrance.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("bound");
            let client = Client::connect(address).expect("it is there");
            client.set_nodelay(true).expect("a socket");
            let (ours, _) = listener.accept().await.expect("it came");
            (client, ours.into())
        })
    }
}

async fn read(stream: &mut Socket, count: usize) -> String {
    let mut bytes = vec![0; count];
    stream.readable().await.expect("bytes");
    stream.read_exact(&mut bytes).await.expect("bytes");
    String::from_utf8(bytes).expect("text")
}

#[test]
fn a_connection_goes_over_and_back_and_loses_nothing() {
    let scene = Scene::new();
    let (mut client, mut stream) = scene.pair();
    client.write_all(b"all at once").expect("room");
    let say = scene.say();
    let said = scene.serve(vec![async move {
        say(&read(&mut stream, 4).await);
        move_to(Place::Data, &mut stream).await.expect("a socket");
        say(&read(&mut stream, 3).await);
        // Who is there already goes nowhere.
        move_to(Place::Data, &mut stream).await.expect("a socket");
        go_to(Place::Aside).await;
        say("works");
        go_to(Place::Data).await;
        client.write_all(b", and later").expect("room");
        say(&read(&mut stream, 15).await);
        move_to(Place::Entrance, &mut stream)
            .await
            .expect("a socket");
        // Only the data path leads aside.
        go_to(Place::Aside).await;
        client.shutdown(std::net::Shutdown::Write).expect("open");
        let end = stream.read(&mut [0]).await.expect("the end");
        say(&format!("end {end}"));
        move_to(Place::Data, &mut stream).await.expect("a socket");
        say("goodbye");
    }]);
    let expected = [
        "entrance all ",
        "data at ",
        "limpid-aside-0 works",
        "data once, and later",
        "entrance end 0",
        "data goodbye",
    ];
    assert_eq!(said, expected);
    assert_eq!(
        (scene.metrics.passed.get(), scene.metrics.returned.get()),
        (2, 1)
    );
}

/// Nobody waits at the entrance for a data path that has something else to do, unless he wants to go there.
#[test]
fn who_has_not_crossed_needs_no_thread_of_the_data_path() {
    let scene = Scene::new();
    let (begins, has_begun) = std::sync::mpsc::channel();
    let (ends, has_ended) = std::sync::mpsc::channel::<()>();
    scene.data.spawn(async move {
        begins.send(()).expect("somebody waits");
        has_ended.recv_timeout(PATIENCE).ok();
    });
    has_begun
        .recv_timeout(PATIENCE)
        .expect("the thread is busy");
    let (say, ends) = (scene.say(), Mutex::new(Some(ends)));
    let mut first = true;
    let tasks = std::iter::repeat_with(|| {
        let (crosses, ends) = (std::mem::take(&mut first), ends.lock().unwrap().take());
        let say = scene.say();
        async move {
            if crosses {
                // Lets the thread go only when everybody else has had his turn.
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    drop(ends);
                });
                go_to(Place::Data).await;
            }
            say(if crosses { "last" } else { "before" });
        }
    });
    let said = scene.serve(tasks.take(20).collect());
    say("over");
    assert_eq!(said.len(), 20);
    assert_eq!(said[19], "data last");
    assert!(said[..19].iter().all(|one| one == "entrance before"));
}

#[test]
fn a_panic_ends_one_connection_in_either_place() {
    let scene = Scene::new();
    let guest = |where_it_panics: Option<Place>| {
        let say = scene.say();
        async move {
            for place in [Place::Entrance, Place::Data] {
                go_to(place).await;
                assert!(where_it_panics != Some(place), "planted");
                say("well");
            }
        }
    };
    let all = [Some(Place::Entrance), None, Some(Place::Data)];
    let mut said = scene.serve(all.map(guest).into());
    said.sort();
    let expected = ["data well", "entrance well", "entrance well"];
    assert_eq!(said, expected);
}

#[test]
fn who_has_crossed_ends_with_the_listener() {
    struct Told(std::sync::mpsc::Sender<()>);
    impl Drop for Told {
        fn drop(&mut self) {
            self.0.send(()).ok();
        }
    }
    let scene = Scene::new();
    for place in [Place::Entrance, Place::Data] {
        let mut guests = scene.guests();
        let (told, ended) = std::sync::mpsc::channel();
        let (arrives, arrived) = tokio::sync::oneshot::channel();
        let served = scene.entrance.spawn(async move {
            guests.admit(async move {
                let _told = Told(told);
                go_to(place).await;
                arrives.send(()).expect("somebody waits");
                std::future::pending::<()>().await;
            });
            while guests.settle().await.is_some() {}
        });
        scene.entrance.block_on(arrived).expect("it arrives");
        served.abort();
        ended.recv_timeout(PATIENCE).expect("it is dropped");
    }
}

/// A request in one piece, one that trickles, and one in one piece: all arrive whole, read on the data path
/// but for the second.
#[test]
fn a_request_that_trickles_is_read_at_the_entrance() {
    const TRICKLED: usize = 200;
    let scene = Scene::new();
    let (mut client, mut stream) = scene.pair();
    let say = scene.say();
    let metrics = scene.metrics.clone();
    let limits = FrameLimits {
        frame_bytes_max: 1 << 20,
        idle: PATIENCE,
        body: PATIENCE,
    };
    let sending = std::thread::spawn(move || {
        let body: Vec<u8> = (0..TRICKLED).map(|at| at as u8).collect();
        let frame = [&(TRICKLED as i32).to_be_bytes()[..], &body].concat();
        client.write_all(&frame).expect("room");
        for byte in &frame {
            client.write_all(&[*byte]).expect("room");
            std::thread::park_timeout(Duration::from_millis(1));
        }
        client.write_all(&frame).expect("room");
        (client, body)
    });
    let said = scene.serve(vec![async move {
        let stats = Registry::new().pool("request_memory", 8 << 20);
        let memory = RequestMemory::new(8 << 20, 1 << 20, stats);
        let mut reader = FrameReader::new(limits, Arc::new(Turns::new(1)));
        for frame in 0..3 {
            let bytes = reader.next(&mut stream, &memory).await.expect("it comes");
            say(&format!("{frame} of {}", bytes.bytes.len()));
            assert!(bytes.bytes.iter().enumerate().all(|(at, b)| at as u8 == *b));
            if frame == 0 {
                move_to(Place::Data, &mut stream).await.expect("a socket");
                reader.moved();
            }
        }
    }]);
    sending.join().expect("all is sent");
    assert_eq!(
        said,
        ["entrance 0 of 200", "data 1 of 200", "data 2 of 200"]
    );
    assert_eq!((metrics.passed.get(), metrics.returned.get()), (2, 1));
}
