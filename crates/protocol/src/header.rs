//! What stands in front of every request and response.
//!
//! Traps: the client's id keeps its two-byte length in the flexible header; the response header of
//! ApiVersions is always version 0, since the client cannot know yet what the broker speaks.

use bytes::BytesMut;

use crate::codec::{
    DecodeError, EncodeError, Reader, put_i16, put_i32, put_nullable_string, put_uvarint,
};
use crate::messages::ApiKey;

impl ApiKey {
    /// Whether the version of the API has tagged fields and short lengths.
    pub const fn is_flexible(self, api_version: i16) -> bool {
        match self.flexible_since() {
            Some(first) => api_version >= first,
            None => false,
        }
    }

    /// Version of the header in front of the request.
    pub const fn request_header_version(self, api_version: i16) -> i16 {
        if self.is_flexible(api_version) { 2 } else { 1 }
    }

    /// Version of the header in front of the response.
    pub const fn response_header_version(self, api_version: i16) -> i16 {
        match self {
            Self::ApiVersions => 0,
            _ if self.is_flexible(api_version) => 1,
            _ => 0,
        }
    }
}

impl TryFrom<i16> for ApiKey {
    type Error = i16;

    /// Gives the number back if no API has it.
    fn try_from(code: i16) -> Result<Self, i16> {
        Self::from_code(code).ok_or(code)
    }
}

impl std::fmt::Display for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// The head of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RequestHeader {
    /// Number of the API, perhaps one that nobody knows.
    pub api_key: i16,
    /// Version of the API, perhaps one that nobody knows.
    pub api_version: i16,
    /// Comes back with the response.
    pub correlation_id: i32,
    /// What the client calls itself.
    pub client_id: Option<String>,
}

impl RequestHeader {
    /// Version of the header that goes with the API and its version; 1 if the API is unknown.
    pub fn version(&self) -> i16 {
        ApiKey::from_code(self.api_key)
            .map_or(1, |key| key.request_header_version(self.api_version))
    }

    /// Reads a header of version 1 or 2, as the API and its version demand.
    pub fn decode(r: &mut Reader) -> Result<Self, DecodeError> {
        let header = Self {
            api_key: r.i16()?,
            api_version: r.i16()?,
            correlation_id: r.i32()?,
            client_id: r.nullable_string(false)?,
        };
        if header.version() >= 2 {
            r.skip_tags()?;
        }
        Ok(header)
    }

    /// Appends the header in the version that the API and its version demand.
    pub fn encode(&self, w: &mut BytesMut) -> Result<(), EncodeError> {
        put_i16(w, self.api_key);
        put_i16(w, self.api_version);
        put_i32(w, self.correlation_id);
        put_nullable_string(w, self.client_id.as_deref(), false)?;
        if self.version() >= 2 {
            put_uvarint(w, 0);
        }
        Ok(())
    }
}

/// The head of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ResponseHeader {
    /// That of the request.
    pub correlation_id: i32,
}

impl ResponseHeader {
    /// Reads a header of the version that [`ApiKey::response_header_version`] tells.
    pub fn decode(r: &mut Reader, header_version: i16) -> Result<Self, DecodeError> {
        let header = Self {
            correlation_id: r.i32()?,
        };
        if header_version >= 1 {
            r.skip_tags()?;
        }
        Ok(header)
    }

    /// Appends a header of the version that [`ApiKey::response_header_version`] tells.
    pub fn encode(&self, w: &mut BytesMut, header_version: i16) {
        put_i32(w, self.correlation_id);
        if header_version >= 1 {
            put_uvarint(w, 0);
        }
    }

    /// Bytes that it takes.
    pub const fn byte_len(header_version: i16) -> usize {
        if header_version >= 1 { 5 } else { 4 }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn header_versions_follow_the_api() {
        assert_eq!(ApiKey::Produce.request_header_version(8), 1);
        assert_eq!(ApiKey::Produce.request_header_version(9), 2);
        assert_eq!(ApiKey::Produce.response_header_version(9), 1);
        assert_eq!(ApiKey::SaslHandshake.request_header_version(1), 1);
        assert_eq!(ApiKey::ApiVersions.request_header_version(3), 2);
        assert_eq!(ApiKey::ApiVersions.response_header_version(3), 0);
        assert_eq!(ApiKey::ApiVersions.response_header_version(99), 0);
    }

    #[test]
    fn request_header_round_trips() {
        for (api_version, tagged) in [(0, 0), (3, 1)] {
            let header = RequestHeader {
                api_key: ApiKey::ApiVersions.code(),
                api_version,
                correlation_id: 7,
                client_id: Some("me".to_owned()),
            };
            let mut w = BytesMut::new();
            header.encode(&mut w).expect("short client id");
            assert_eq!(w.len(), 2 + 2 + 4 + 2 + 2 + tagged);
            let mut r = Reader::new(w.freeze());
            assert_eq!(RequestHeader::decode(&mut r), Ok(header));
            assert_eq!(r.remaining(), 0);
        }
    }

    #[test]
    fn header_of_an_unknown_api_is_read() {
        let frame = Bytes::from_static(&[0x7f, 0, 0, 1, 0, 0, 0, 9, 0xff, 0xff]);
        let header = RequestHeader::decode(&mut Reader::new(frame)).expect("version 1");
        assert_eq!(
            (header.api_key, header.correlation_id, header.client_id),
            (0x7f00, 9, None)
        );
    }
}
