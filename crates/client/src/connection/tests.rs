use limpid_protocol::messages::api_versions_response::ApiVersion;
use limpid_protocol::messages::metadata_request::MetadataRequest;
use limpid_protocol::messages::metadata_response::MetadataResponse;
use tokio::io::DuplexStream;

use super::*;

/// Bytes in a pipe.
const PIPE_BYTES: usize = 64 * 1024;

/// The broker's end of a connection.
struct Broker(DuplexStream);

impl Broker {
    /// A pipe to a broker.
    fn pipe() -> (BoxStream, Self) {
        let (near, far) = tokio::io::duplex(PIPE_BYTES);
        (Box::new(near), Self(far))
    }

    async fn request(&mut self) -> RequestHeader {
        let frame = read_frame(&mut self.0, PIPE_BYTES)
            .await
            .expect("a request");
        RequestHeader::decode(&mut Reader::new(frame)).expect("a header")
    }

    async fn answer(&mut self, to: &RequestHeader, version: i16, body: &impl Message) {
        let key = ApiKey::from_code(to.api_key).expect("a known API");
        let mut frame = BytesMut::new();
        frame.put_i32(0);
        let correlation_id = to.correlation_id;
        ResponseHeader { correlation_id }.encode(&mut frame, key.response_header_version(version));
        body.encode(&mut frame, version).expect("an answer");
        let length = frame.len() as i32 - 4;
        frame[..4].copy_from_slice(&length.to_be_bytes());
        self.0.write_all(&frame).await.expect("an open pipe");
    }

    /// Speaks Metadata 4 to 9.
    async fn negotiate(&mut self) {
        let asked = self.request().await;
        self.answer(&asked, asked.api_version, &versions(4, 9))
            .await;
    }
}

fn versions(min_version: i16, max_version: i16) -> ApiVersionsResponse {
    let metadata = ApiVersion {
        api_key: ApiKey::Metadata.code(),
        min_version,
        max_version,
    };
    ApiVersionsResponse {
        api_keys: vec![metadata],
        ..ApiVersionsResponse::default()
    }
}

fn config() -> ClientConfig {
    ClientConfig {
        in_flight_max: 2,
        response_bytes_max: 1000,
        request_timeout: Duration::from_secs(5),
        ..ClientConfig::default()
    }
}

/// A connection that has agreed on versions.
async fn connected() -> (Arc<Connection>, Broker) {
    let (stream, mut broker) = Broker::pipe();
    let config = config();
    let opened = tokio::join!(Connection::open(stream, &config), broker.negotiate());
    (Arc::new(opened.0.expect("a connection")), broker)
}

fn cluster(id: &str) -> MetadataResponse {
    MetadataResponse {
        cluster_id: Some(id.to_owned()),
        ..MetadataResponse::default()
    }
}

async fn metadata(connection: &Connection, patience_ms: u64) -> Result<String, ErrorKind> {
    let patience = Duration::from_millis(patience_ms);
    let answer = connection
        .call(9, &MetadataRequest::default(), patience)
        .await?;
    Ok(answer.cluster_id.unwrap_or_default())
}

#[tokio::test]
async fn the_highest_common_version_is_spoken() {
    let (connection, _broker) = connected().await;
    let version = |ceiling| connection.version::<MetadataRequest>(ceiling);
    assert_eq!(version(i16::MAX), Ok(9));
    assert_eq!(version(5), Ok(5));
    assert_eq!(version(3), Err(ErrorKind::Version { min: 4, max: 9 }));
    let absent = connection.version::<ApiVersionsRequest>(3);
    assert_eq!(absent, Err(ErrorKind::NotServed));
}

#[tokio::test]
async fn an_older_broker_is_asked_again_in_its_version() {
    let (stream, mut broker) = Broker::pipe();
    let old = async {
        let asked = broker.request().await;
        assert_eq!(asked.api_version, 4);
        let mut refusal = versions(0, 1);
        refusal.error_code = ErrorCode::UnsupportedVersion.code();
        refusal.api_keys.push(ApiVersion {
            api_key: ApiKey::ApiVersions.code(),
            min_version: 0,
            max_version: 2,
        });
        broker.answer(&asked, 0, &refusal).await;
        let again = broker.request().await;
        assert_eq!(again.api_version, 2);
        broker.answer(&again, 2, &versions(0, 1)).await;
    };
    let config = config();
    let (opened, ()) = tokio::join!(Connection::open(stream, &config), old);
    let version = opened.expect("a connection").version::<MetadataRequest>(9);
    assert_eq!(version, Ok(1));
}

#[tokio::test]
async fn answers_find_their_requests_in_any_order() {
    let (connection, mut broker) = connected().await;
    let backwards = async {
        let (one, two) = (broker.request().await, broker.request().await);
        broker.answer(&two, 9, &cluster("two")).await;
        broker.answer(&one, 9, &cluster("one")).await;
    };
    let (one, two, ()) = tokio::join!(
        metadata(&connection, 1000),
        metadata(&connection, 1000),
        backwards
    );
    assert_eq!((one, two), (Ok("one".to_owned()), Ok("two".to_owned())));
}

#[tokio::test]
async fn no_more_are_in_flight_than_allowed() {
    let (connection, mut broker) = connected().await;
    for _ in 0..3 {
        let connection = Arc::clone(&connection);
        tokio::spawn(async move { metadata(&connection, 5000).await });
    }
    let first = broker.request().await;
    broker.request().await;
    let third = tokio::time::timeout(Duration::from_millis(50), broker.request()).await;
    assert!(third.is_err(), "two may be in flight");
    broker.answer(&first, 9, &cluster("")).await;
    broker.request().await;
}

#[tokio::test]
async fn a_dropped_call_leaves_the_connection_usable() {
    let (connection, mut broker) = connected().await;
    let called = metadata(&connection, 5000);
    assert!(
        tokio::time::timeout(Duration::from_millis(20), called)
            .await
            .is_err()
    );
    let dropped = broker.request().await;
    broker.answer(&dropped, 9, &cluster("late")).await;
    let answering = async {
        let asked = broker.request().await;
        broker.answer(&asked, 9, &cluster("next")).await;
    };
    let (next, ()) = tokio::join!(metadata(&connection, 1000), answering);
    assert_eq!(next, Ok("next".to_owned()));
}

#[tokio::test]
async fn silence_ends_the_connection() {
    let (connection, mut broker) = connected().await;
    let (called, _) = tokio::join!(metadata(&connection, 20), broker.request());
    assert_eq!(called, Err(ErrorKind::Timeout(Duration::from_millis(20))));
    assert!(!connection.is_open());
    assert!(metadata(&connection, 20).await.is_err());
}

#[tokio::test]
async fn a_huge_answer_and_an_end_are_errors() {
    let (connection, mut broker) = connected().await;
    let huge = async {
        broker.request().await;
        broker
            .0
            .write_all(&1001_i32.to_be_bytes())
            .await
            .expect("an open pipe");
    };
    let (called, ()) = tokio::join!(metadata(&connection, 1000), huge);
    let why = called.expect_err("too long").to_string();
    assert_eq!(
        why,
        "connection lost: an answer of 1001 bytes, allowed are 1000"
    );

    let (connection, broker) = connected().await;
    drop(broker);
    let why = metadata(&connection, 1000)
        .await
        .expect_err("nobody there")
        .to_string();
    assert!(why.starts_with("connection lost: "), "{why}");
}
