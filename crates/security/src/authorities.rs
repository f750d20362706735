//! Whom we believe of those that we ask over HTTPS.

use std::path::Path;

use limpid_config::StoreConfig;
use rustls::RootCertStore;
use ureq::tls::{Certificate, RootCerts};

pub use ureq::tls::TlsConfig;

use crate::stores;

/// Only those for whom an authority of this file (PEM) vouches, instead of the public ones.
///
/// # Errors
/// It can't be read, or a certificate of it can't be used.
pub fn https_to(file: &Path) -> Result<TlsConfig, String> {
    let store = StoreConfig::File {
        path: file.to_owned(),
        password: None,
        key_password: None,
        kind: "PEM".into(),
    };
    let trusted = stores::read_trusted(&store).map_err(|error| error.to_string())?;
    // ureq would pass over what it can't use, and believe nobody.
    let mut usable = RootCertStore::empty();
    for certificate in &trusted {
        let added = usable.add(certificate.clone());
        added.map_err(|error| format!("{}: {error}", file.display()))?;
    }
    let roots = trusted
        .iter()
        .map(|der| Certificate::from_der(der).to_owned());
    let roots: Vec<_> = roots.collect();
    let roots = RootCerts::new_with_certs(&roots);
    Ok(TlsConfig::builder().root_certs(roots).build())
}
