//! The way to the collector: one connection for each batch, with TLS where the address is `https://`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderValue, TE};
use hyper::{Request, Response, StatusCode, Uri, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_http::{HttpClient, HttpError};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio_rustls::TlsConnector;

use super::Protocol;

/// What gRPC calls the method that takes spans.
pub(crate) const GRPC_PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/// How long a batch may take.
const TIME_MAX: Duration = Duration::from_secs(10);
/// Most bytes of an answer.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// What precedes a message of gRPC: whether it is compressed, and its length.
const GRPC_PREFIX_BYTES: usize = 5;
/// The statuses of gRPC that mean: try again. Cancelled, deadline exceeded, aborted, out of range,
/// unavailable, data loss.
const TRY_AGAIN: [&[u8]; 6] = [b"1", b"4", b"10", b"11", b"14", b"15"];

/// Sends what the exporter has encoded.
pub(crate) struct Collector {
    protocol: Protocol,
    tls: Option<TlsConnector>,
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = &self.protocol;
        f.debug_struct("Collector")
            .field("protocol", protocol)
            .finish_non_exhaustive()
    }
}

impl Collector {
    pub(crate) fn new(protocol: Protocol, tls: Option<ClientConfig>) -> Self {
        let tls = tls.map(|mut config| {
            // gRPC is HTTP/2, and over TLS that has to be agreed on.
            let name: &[u8] = match protocol {
                Protocol::Grpc => b"h2",
                Protocol::Http => b"http/1.1",
            };
            config.alpn_protocols = vec![name.to_vec()];
            TlsConnector::from(Arc::new(config))
        });
        Self { protocol, tls }
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let uri = request.uri();
        let host = uri.host().ok_or("an endpoint without a host")?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_secured = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if is_secured { 443 } else { 80 });
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        if !is_secured {
            return self.send_over(stream, request).await;
        }
        let tls = self.tls.as_ref().ok_or("TLS was not set up")?;
        let name = ServerName::try_from(host.to_owned())?;
        let stream = tls.connect(name, stream).await?;
        self.send_over(stream, request).await
    }

    async fn send_over<S>(
        &self,
        stream: S,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, HttpError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let io = TokioIo::new(stream);
        match self.protocol {
            Protocol::Http => {
                let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await?;
                let _connection = Running::spawn(connection);
                let answer = sender.send_request(over_http(request)?).await?;
                let (head, body) = answer.into_parts();
                let (body, _) = whole(body).await?;
                Ok(Response::from_parts(head, body))
            }
            Protocol::Grpc => {
                let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), io);
                let (mut sender, connection) = handshake.await?;
                let _connection = Running::spawn(connection);
                let answer = sender.send_request(over_grpc(request)).await?;
                let (head, body) = answer.into_parts();
                let (body, trailers) = whole(body).await?;
                // A call that fails at once has its status in the head.
                let status = trailers.get("grpc-status");
                let status = status.or_else(|| head.headers.get("grpc-status"));
                of_grpc(head.status, status, body)
            }
        }
    }
}

impl HttpClient for Collector {
    fn send_bytes<'a, 'b>(
        &'a self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            let sent = tokio::time::timeout(TIME_MAX, self.send(request)).await;
            sent.map_err(|_| "the collector did not answer in time")?
        })
    }
}

/// The task of a connection; it ends with this.
struct Running(AbortHandle);

impl Running {
    fn spawn<E>(connection: impl Future<Output = Result<(), E>> + Send + 'static) -> Self {
        // Its error is that of the request.
        let task = tokio::spawn(async move { connection.await.is_ok() });
        Self(task.abort_handle())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// HTTP/1.1 names the host in a header and the path alone in its first line.
fn over_http(request: Request<Bytes>) -> Result<Request<Full<Bytes>>, HttpError> {
    let (mut head, body) = request.into_parts();
    let authority = head.uri.authority().ok_or("an endpoint without a host")?;
    let host = HeaderValue::from_str(authority.as_str())?;
    head.headers.insert(HOST, host);
    head.uri = match head.uri.path_and_query() {
        Some(path) => Uri::from(path.clone()),
        None => Uri::from_static("/"),
    };
    Ok(Request::from_parts(head, Full::new(body)))
}

fn over_grpc(request: Request<Bytes>) -> Request<Full<Bytes>> {
    let (mut head, message) = request.into_parts();
    let mut body = BytesMut::with_capacity(GRPC_PREFIX_BYTES + message.len());
    body.put_u8(0);
    body.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    body.extend_from_slice(&message);
    let grpc = HeaderValue::from_static("application/grpc");
    head.headers.insert(CONTENT_TYPE, grpc);
    head.headers
        .insert(TE, HeaderValue::from_static("trailers"));
    head.version = Version::HTTP_2;
    Request::from_parts(head, Full::new(body.freeze()))
}

/// The answer to a call as HTTP would have given it, since that is what the exporter understands.
fn of_grpc(
    http: StatusCode,
    status: Option<&HeaderValue>,
    body: Bytes,
) -> Result<Response<Bytes>, HttpError> {
    let status = status.map_or(&b"2"[..], HeaderValue::as_bytes);
    let (code, body) = match (http, status) {
        (StatusCode::OK, b"0") => {
            let message = body.len().min(GRPC_PREFIX_BYTES);
            (StatusCode::OK, body.slice(message..))
        }
        (StatusCode::OK, again) if TRY_AGAIN.contains(&again) => {
            (StatusCode::SERVICE_UNAVAILABLE, Bytes::new())
        }
        (StatusCode::OK, _) => (StatusCode::BAD_REQUEST, Bytes::new()),
        (other, _) => (other, Bytes::new()),
    };
    Ok(Response::builder().status(code).body(body)?)
}

/// A body of bounded size, and what follows it.
async fn whole(body: Incoming) -> Result<(Bytes, HeaderMap), HttpError> {
    let collected = Limited::new(body, ANSWER_BYTES_MAX).collect().await?;
    let trailers = collected.trailers().cloned().unwrap_or_default();
    Ok((collected.to_bytes(), trailers))
}

#[cfg(test)]
mod tests;
