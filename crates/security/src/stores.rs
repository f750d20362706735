//! Key stores and trust stores: PEM text, and files in PEM or PKCS12.
//!
//! What a file is shows by its first bytes, not by `ssl.keystore.type`: Java's tools, too, write
//! PKCS12 under the name JKS. Java's own old format is refused with the command that converts it.

use std::io;
use std::path::{Path, PathBuf};

use limpid_config::{Secret, StoreConfig};
use p12_keystore::{KeyStore, KeyStoreEntry, Pkcs12ImportPolicy};
use pkcs8::{EncryptedPrivateKeyInfoRef, SecretDocument};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Largest file that is read: thousands of certificates.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// How Java's old format begins.
const JKS_MAGIC: [u8; 4] = [0xfe, 0xed, 0xfe, 0xed];

/// A key and the certificates that go with it, the key's own first.
#[derive(Debug)]
pub struct Identity {
    /// The certificate and its issuers.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key.
    pub key: PrivateKeyDer<'static>,
}

/// Why a store can't be used. Never says what a password is.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file can't be read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Its content is not what it should be.
    #[error("{place}: {reason}")]
    Content {
        /// The file, or where the text is.
        place: String,
        /// What is wrong.
        reason: String,
    },
}

/// Reads a key and its certificates.
///
/// # Errors
/// See [`StoreError`].
pub fn read_identity(store: &StoreConfig) -> Result<Identity, StoreError> {
    match store {
        StoreConfig::Pem {
            certificates,
            key,
            key_password,
        } => {
            let place = "ssl.keystore.certificate.chain";
            let chain =
                pem_certificates(certificates.reveal().as_bytes()).map_err(in_place(place))?;
            let key = key.as_ref().map_or("", Secret::reveal).as_bytes();
            let key = pem_key(key, key_password.as_ref()).map_err(in_place("ssl.keystore.key"))?;
            Ok(Identity { chain, key })
        }
        StoreConfig::File {
            path,
            password,
            key_password,
            ..
        } => {
            let place = path.display().to_string();
            let bytes = read_file(path)?;
            let identity = match Format::of(&bytes) {
                Format::Pem => pem_certificates(&bytes).and_then(|chain| {
                    let password = key_password.as_ref().or(password.as_ref());
                    let key = pem_key(&bytes, password)?;
                    Ok(Identity { chain, key })
                }),
                Format::Pkcs12 => pkcs12_identity(&bytes, password.as_ref()),
                Format::Jks => Err(jks(path)),
            };
            identity.map_err(in_place(&place))
        }
    }
}

/// Reads trusted certificates; at least one.
///
/// # Errors
/// See [`StoreError`].
pub fn read_trusted(store: &StoreConfig) -> Result<Vec<CertificateDer<'static>>, StoreError> {
    match store {
        StoreConfig::Pem { certificates, .. } => pem_certificates(certificates.reveal().as_bytes())
            .map_err(in_place("ssl.truststore.certificates")),
        StoreConfig::File { path, password, .. } => {
            let place = path.display().to_string();
            let bytes = read_file(path)?;
            let trusted = match Format::of(&bytes) {
                Format::Pem => pem_certificates(&bytes),
                Format::Pkcs12 => pkcs12_trusted(&bytes, password.as_ref()),
                Format::Jks => Err(jks(path)),
            };
            trusted.map_err(in_place(&place))
        }
    }
}

fn in_place(place: &str) -> impl Fn(String) -> StoreError + use<'_> {
    move |reason| StoreError::Content {
        place: place.to_owned(),
        reason,
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, StoreError> {
    let failed = |source| StoreError::Read {
        path: path.to_owned(),
        source,
    };
    let length = std::fs::metadata(path).map_err(failed)?.len();
    if length > FILE_BYTES_MAX {
        let reason = io::Error::new(io::ErrorKind::FileTooLarge, "too large for a key store");
        return Err(failed(reason));
    }
    std::fs::read(path).map_err(failed)
}

enum Format {
    Pem,
    Pkcs12,
    Jks,
}

impl Format {
    fn of(bytes: &[u8]) -> Self {
        // PKCS12 is an ASN.1 sequence.
        match bytes {
            [0x30, ..] => Self::Pkcs12,
            _ if bytes.starts_with(&JKS_MAGIC) => Self::Jks,
            _ => Self::Pem,
        }
    }
}

fn jks(path: &Path) -> String {
    let path = path.display();
    format!(
        "it is in Java's old format JKS; convert it with keytool -importkeystore -srckeystore \
         {path} -destkeystore {path}.p12 -deststoretype PKCS12"
    )
}

fn pem_certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    let all = all.map_err(|e| format!("not a certificate in PEM: {}", wrong_in_pem(&e)))?;
    if all.is_empty() {
        return Err("it has no certificate in PEM".into());
    }
    Ok(all)
}

/// What is wrong, without the file's own lines: those may be a key's, and are told as lists of numbers.
fn wrong_in_pem(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a section has no end".to_owned(),
        pem::Error::IllegalSectionStart { .. } => {
            "the first line of a section is damaged".to_owned()
        }
        other => other.to_string(),
    }
}

fn pem_key(bytes: &[u8], password: Option<&Secret>) -> Result<PrivateKeyDer<'static>, String> {
    let Some(encrypted) = encrypted_pem(bytes) else {
        return PrivateKeyDer::from_pem_slice(bytes)
            .map_err(|e| format!("it has no private key in PEM: {}", wrong_in_pem(&e)));
    };
    let password = password.ok_or("the private key is encrypted: set ssl.key.password")?;
    let unreadable = "the encrypted private key can't be read";
    let (_, document) = SecretDocument::from_pem(encrypted).map_err(|_| unreadable)?;
    let encrypted = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes());
    let encrypted = encrypted.map_err(|_| unreadable)?;
    let key = encrypted
        .decrypt(password.reveal())
        .map_err(|_| "the private key can't be decrypted: wrong ssl.key.password?".to_owned())?;
    let key = PrivatePkcs8KeyDer::from(key.as_bytes().to_vec());
    Ok(PrivateKeyDer::Pkcs8(key))
}

/// The part of a PEM file that is an encrypted key, if there is one.
fn encrypted_pem(bytes: &[u8]) -> Option<&str> {
    const BEGIN: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
    const END: &str = "-----END ENCRYPTED PRIVATE KEY-----";
    let text = std::str::from_utf8(bytes).ok()?;
    let text = &text[text.find(BEGIN)?..];
    Some(&text[..text.find(END)? + END.len()])
}

fn open_pkcs12(
    bytes: &[u8],
    password: Option<&Secret>,
    policy: Pkcs12ImportPolicy,
) -> Result<KeyStore, String> {
    let password = password.map_or("", Secret::reveal);
    // What the library says may quote the file, never the password.
    KeyStore::from_pkcs12(bytes, password, policy)
        .map_err(|e| format!("it can't be opened as PKCS12 (wrong password?): {e}"))
}

fn pkcs12_identity(bytes: &[u8], password: Option<&Secret>) -> Result<Identity, String> {
    let store = open_pkcs12(bytes, password, Pkcs12ImportPolicy::Relaxed)?;
    let (_, found) = store
        .private_key_chain()
        .ok_or("it has no private key with certificates")?;
    let certificates = found.certs().iter();
    let chain = certificates
        .map(|c| CertificateDer::from(c.as_der().to_vec()))
        .collect();
    let key = PrivatePkcs8KeyDer::from(found.key().as_der().to_vec());
    Ok(Identity {
        chain,
        key: PrivateKeyDer::Pkcs8(key),
    })
}

fn pkcs12_trusted(
    bytes: &[u8],
    password: Option<&Secret>,
) -> Result<Vec<CertificateDer<'static>>, String> {
    // Certificates without Java's mark of trust count too: OpenSSL does not write it.
    let store = open_pkcs12(bytes, password, Pkcs12ImportPolicy::Raw)?;
    let trusted: Vec<_> = store
        .entries()
        .filter_map(|(_, entry)| match entry {
            KeyStoreEntry::Certificate(one) => Some(CertificateDer::from(one.as_der().to_vec())),
            _ => None,
        })
        .collect();
    if trusted.is_empty() {
        return Err("it has no trusted certificate".into());
    }
    Ok(trusted)
}

#[cfg(test)]
mod tests;
