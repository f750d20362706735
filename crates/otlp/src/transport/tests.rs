use std::path::Path;

use hyper::service::service_fn;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

fn fixture(name: &str) -> std::path::PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../security/fixtures");
    fixtures.join(name)
}

fn client() -> ClientConfig {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(fixture("ca.pem")).expect("a certificate");
    roots.add(authority).expect("an authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// TLS with the broker's certificate, which is for localhost; HTTP/2 alone.
fn server() -> TlsAcceptor {
    let chain = CertificateDer::pem_file_iter(fixture("broker.pem")).expect("a chain");
    let chain = chain.collect::<Result<_, _>>().expect("certificates");
    let key = PrivateKeyDer::from_pem_file(fixture("broker.pem")).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("fits");
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

/// Serves one call of gRPC; the path that was asked for, and the message.
async fn serve(listener: TcpListener) -> Result<(String, Bytes), HttpError> {
    let (socket, _) = listener.accept().await?;
    let stream = server().accept(socket).await?;
    let (sender, mut taken) = tokio::sync::mpsc::channel(1);
    let service = service_fn(move |request: Request<Incoming>| {
        let sender = sender.clone();
        async move {
            let path = request.uri().to_string();
            let (body, _) = whole(request.into_body()).await?;
            sender.send((path, body)).await?;
            let status = HeaderMap::from_iter([(
                hyper::header::HeaderName::from_static("grpc-status"),
                HeaderValue::from_static("0"),
            )]);
            // An empty message, and the status after it.
            let message = Full::new(Bytes::from_static(&[0; GRPC_PREFIX_BYTES]));
            let body = message.with_trailers(async move { Some(Ok(status)) });
            Ok::<_, HttpError>(Response::new(body))
        }
    });
    let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    let served = connection.serve_connection(TokioIo::new(stream), service);
    tokio::spawn(served);
    taken.recv().await.ok_or_else(|| "nothing was sent".into())
}

fn request(port: u16) -> Request<Bytes> {
    let uri = format!("https://localhost:{port}{GRPC_PATH}");
    let request = Request::post(uri).body(Bytes::from_static(b"spans"));
    request.expect("a request")
}

#[tokio::test]
async fn grpc_goes_over_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let collector = Collector::new(Protocol::Grpc, Some(client()));
    let (sent, taken) = tokio::join!(collector.send_bytes(request(port)), serve(listener));
    assert_eq!(sent.expect("an answer").status(), StatusCode::OK);
    let (path, body) = taken.expect("a call");
    assert_eq!(path, format!("https://localhost:{port}{GRPC_PATH}"));
    assert_eq!(&body[..], b"\0\0\0\0\x05spans");
}

#[tokio::test]
async fn nothing_goes_to_whom_nobody_vouches_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let mut stranger = client();
    let provider = Arc::clone(stranger.crypto_provider());
    stranger = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let collector = Collector::new(Protocol::Grpc, Some(stranger));
    let (sent, taken) = tokio::join!(collector.send_bytes(request(port)), serve(listener));
    let error = sent.expect_err("no handshake").to_string();
    assert!(error.contains("UnknownIssuer"), "{error}");
    taken.expect_err("no handshake");
}
