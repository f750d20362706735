//! TLS as a client: whom we believe, and what we show.

use std::sync::Arc;

use limpid_config::ClientTlsConfig;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use crate::stores;
use crate::tls::{TlsError, setting};

/// Reads the stores and makes what handshakes need. Blocks on files.
///
/// # Errors
/// See [`TlsError`]; it names the property.
pub fn load(config: &ClientTlsConfig) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = verifier(config, &provider)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let Some(store) = &config.key_store else {
        return Ok(builder.with_no_client_auth());
    };
    let identity = stores::read_identity(store).map_err(setting("ssl.keystore.location"))?;
    builder
        .with_client_auth_cert(identity.chain, identity.key)
        .map_err(setting("ssl.keystore.location"))
}

/// rustls' own, or the same without its last step.
fn verifier(
    config: &ClientTlsConfig,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
    const KEY: &str = "ssl.truststore.location";
    let mut roots = RootCertStore::empty();
    match &config.trust_store {
        Some(store) => {
            for certificate in stores::read_trusted(store).map_err(setting(KEY))? {
                roots.add(certificate).map_err(setting(KEY))?;
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let verifier = verifier.build().map_err(setting(KEY))?;
    Ok(match config.check_name {
        true => verifier,
        false => Arc::new(AnyName(verifier)),
    })
}

/// `ssl.endpoint.identification.algorithm=`: everything is checked but whether the certificate is
/// about the host.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        use CertificateError::{NotValidForName, NotValidForNameContext};
        let verified =
            self.0
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        // The name is looked at last, when the rest was found good.
        match verified {
            Err(Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) => {
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests;
