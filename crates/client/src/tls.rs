//! TLS to a broker, and what to do where it fails.

use std::io;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError, ClientConfig, Error};
use tokio_rustls::TlsConnector;

use crate::transport::{BoxStream, Opening, Refusal, Transport, bare, tcp};

/// TLS over TCP.
#[derive(Clone)]
pub struct Tls {
    connector: TlsConnector,
}

impl Tls {
    /// With what rustls needs to know.
    pub fn new(config: Arc<ClientConfig>) -> Self {
        let connector = TlsConnector::from(config);
        Self { connector }
    }
}

impl Transport for Tls {
    fn open<'a>(&'a self, host: &'a str, port: u16) -> Opening<'a> {
        Box::pin(async move {
            let name = ServerName::try_from(bare(host).to_owned());
            let name = name.map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))?;
            let stream = tcp(host, port).await?;
            let secured = self.connector.connect(name, stream).await;
            let secured = secured.map_err(|error| explained(error, host))?;
            Ok(Box::new(secured) as BoxStream)
        })
    }
}

/// A failed handshake: refusals stay refused, the rest may work another time.
fn explained(error: io::Error, host: &str) -> io::Error {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        let text = "closed during the TLS handshake; does this listener speak TLS \
                    (security.protocol)?";
        return io::Error::new(error.kind(), text);
    }
    let tls = error.get_ref().and_then(|e| e.downcast_ref::<Error>());
    match tls.and_then(|error| advice(error, host)) {
        Some(text) => io::Error::other(Refusal(text)),
        None => error,
    }
}

/// What happened and what to do; `None` for what no setting changes.
fn advice(error: &Error, host: &str) -> Option<String> {
    use CertificateError::{NotValidForName, NotValidForNameContext, UnknownIssuer};
    Some(match error {
        Error::InvalidCertificate(UnknownIssuer) => {
            "nobody vouches for the broker's certificate: set ssl.truststore.location to the \
             certificates (PEM or PKCS12) of the authority that issued it"
                .to_owned()
        }
        Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => format!(
            "the broker's certificate is not for {host}: connect by a name that it has, or leave \
             ssl.endpoint.identification.algorithm empty to take any name"
        ),
        Error::InvalidCertificate(other) => {
            format!("the broker's certificate can't be believed: {other}")
        }
        Error::InvalidMessage(_) => "the answer is not TLS: is this the port of a listener that \
                                     speaks it (security.protocol)?"
            .to_owned(),
        Error::AlertReceived(alert) => of_alert(*alert)?,
        _ => return None,
    })
}

/// What a broker's alert asks for.
fn of_alert(alert: AlertDescription) -> Option<String> {
    use AlertDescription as A;
    match alert {
        A::CertificateRequired => Some(
            "the broker wants a certificate of the client: set ssl.keystore.location".to_owned(),
        ),
        A::BadCertificate
        | A::UnsupportedCertificate
        | A::CertificateRevoked
        | A::CertificateExpired
        | A::CertificateUnknown
        | A::UnknownCA
        | A::AccessDenied => Some(format!(
            "the broker does not take the client's certificate, or misses one ({alert:?}): look at \
             ssl.keystore.location"
        )),
        A::HandshakeFailure | A::ProtocolVersion => Some(format!(
            "the broker refused the handshake ({alert:?}): it may want a certificate of the client \
             (ssl.keystore.location), or speak no TLS 1.2 or 1.3"
        )),
        _ => None,
    }
}

/// Why a stream broke. With TLS 1.3 a broker looks at the client's certificate when the client has
/// begun to send.
pub(crate) fn why(error: &io::Error) -> String {
    let tls = error.get_ref().and_then(|e| e.downcast_ref::<Error>());
    let advice = tls.and_then(|error| match error {
        Error::AlertReceived(alert) => of_alert(*alert),
        _ => None,
    });
    advice.unwrap_or_else(|| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::transport::not_open;

    fn opened(error: Error) -> ErrorKind {
        let error = io::Error::new(io::ErrorKind::InvalidData, error);
        not_open(explained(error, "kafka.example"))
    }

    #[test]
    fn what_a_setting_would_change_is_refused_with_its_name() {
        let certificate = Error::InvalidCertificate;
        let alert = Error::AlertReceived;
        for (error, words) in [
            (
                certificate(CertificateError::NotValidForName),
                "not for kafka.example",
            ),
            (
                certificate(CertificateError::NotValidForName),
                "ssl.endpoint.identification.algorithm",
            ),
            (
                certificate(CertificateError::UnknownIssuer),
                "ssl.truststore.location",
            ),
            (certificate(CertificateError::Expired), "can't be believed"),
            (
                alert(AlertDescription::CertificateRequired),
                "ssl.keystore.location",
            ),
            (alert(AlertDescription::UnknownCA), "ssl.keystore.location"),
            (alert(AlertDescription::ProtocolVersion), "TLS 1.2"),
            (
                Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType),
                "security.protocol",
            ),
        ] {
            match opened(error) {
                ErrorKind::Refused(text) => assert!(text.contains(words), "{text}"),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn the_rest_may_work_another_time() {
        let internal = opened(Error::AlertReceived(AlertDescription::InternalError));
        assert!(matches!(internal, ErrorKind::Connect(_)), "{internal:?}");
        let eof = io::Error::new(io::ErrorKind::UnexpectedEof, "tls handshake eof");
        let closed = not_open(explained(eof, "x"));
        let ErrorKind::Connect(text) = closed else {
            panic!("{closed:?}");
        };
        assert!(text.contains("security.protocol"), "{text}");
    }
}
