//! Numbers that take as many bytes as they need: seven bits in each, the lowest first.

use super::{DecodeError, Reader};

impl Reader {
    /// Reads a varint without sign, at most 5 bytes; bits above 32 are refused.
    pub fn uvarint(&mut self) -> Result<u32, DecodeError> {
        let wide = self.base128(5)?;
        u32::try_from(wide).map_err(|_| DecodeError::InvalidVarint { at: self.at })
    }

    /// Reads a zigzag varint of 32 bits, at most 5 bytes.
    pub fn varint(&mut self) -> Result<i32, DecodeError> {
        let raw = self.uvarint()?;
        Ok((raw >> 1).cast_signed() ^ -((raw & 1).cast_signed()))
    }

    /// Reads a zigzag varint of 64 bits, at most 10 bytes.
    pub fn varlong(&mut self) -> Result<i64, DecodeError> {
        let raw = self.base128(10)?;
        Ok((raw >> 1).cast_signed() ^ -((raw & 1).cast_signed()))
    }

    #[inline]
    fn base128(&mut self, bytes_max: u32) -> Result<u64, DecodeError> {
        let start = self.at;
        // Most lengths and tags are one byte.
        let [first] = self.fixed()?;
        match first < 0x80 {
            true => Ok(u64::from(first)),
            false => self.longer_base128(start, first, bytes_max),
        }
    }

    fn longer_base128(
        &mut self,
        start: usize,
        first: u8,
        bytes_max: u32,
    ) -> Result<u64, DecodeError> {
        let mut value = u64::from(first & 0x7f);
        for index in 1..bytes_max {
            let [byte] = self.fixed::<1>()?;
            let low = u64::from(byte & 0x7f);
            let shift = 7 * index;
            if shift == 63 && low > 1 {
                break;
            }
            value |= low << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::InvalidVarint { at: start })
    }
}
