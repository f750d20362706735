//! Zigzag varints of records (not the unsigned ones of flexible messages).
//!
//! As in Kafka's own reader, surplus bits of the last byte are dropped and a number that goes on
//! after 5 (32 bits) or 10 bytes (64 bits) is refused.

/// Takes a 32-bit varint off the front of `buf`; `None` if there is none.
#[inline(always)]
pub(super) fn take_i32(buf: &mut &[u8]) -> Option<i32> {
    let raw = match take_short(buf) {
        Some(raw) => raw,
        None => take_long::<5>(buf)? as u32,
    };
    Some(zigzag32(raw))
}

/// Takes a 64-bit varint off the front of `buf`; `None` if there is none.
#[inline(always)]
pub(super) fn take_i64(buf: &mut &[u8]) -> Option<i64> {
    let raw = match take_short(buf) {
        Some(raw) => u64::from(raw),
        None => take_long::<10>(buf)?,
    };
    Some(zigzag64(raw))
}

/// One or two bytes, which nearly all numbers of a record take.
#[inline(always)]
fn take_short(buf: &mut &[u8]) -> Option<u32> {
    match **buf {
        [first, ref rest @ ..] if first < 0x80 => {
            *buf = rest;
            Some(u32::from(first))
        }
        [first, second, ref rest @ ..] if second < 0x80 => {
            *buf = rest;
            Some(u32::from(first & 0x7f) | u32::from(second) << 7)
        }
        _ => None,
    }
}

#[inline(never)]
fn take_long<const MAX: usize>(buf: &mut &[u8]) -> Option<u64> {
    let mut raw = 0u64;
    for (index, &byte) in buf.iter().take(MAX).enumerate() {
        raw |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            *buf = buf.get(index + 1..)?;
            return Some(raw);
        }
    }
    None
}

/// Appends `value`, 1 to 5 bytes.
pub(super) fn put_i32(out: &mut Vec<u8>, value: i32) {
    put_raw(out, u64::from(((value << 1) ^ (value >> 31)) as u32));
}

/// Appends `value`, 1 to 10 bytes.
pub(super) fn put_i64(out: &mut Vec<u8>, value: i64) {
    put_raw(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Bytes that [`put_i64`] (and for numbers that fit, [`put_i32`]) writes.
pub(super) fn len(value: i64) -> usize {
    let raw = ((value << 1) ^ (value >> 63)) as u64;
    (64 - (raw | 1).leading_zeros() as usize).div_ceil(7)
}

fn put_raw(out: &mut Vec<u8>, mut raw: u64) {
    while raw >= 0x80 {
        out.push(raw as u8 | 0x80);
        raw >>= 7;
    }
    out.push(raw as u8);
}

#[inline(always)]
fn zigzag32(raw: u32) -> i32 {
    (raw >> 1) as i32 ^ -((raw & 1) as i32)
}

#[inline(always)]
fn zigzag64(raw: u64) -> i64 {
    (raw >> 1) as i64 ^ -((raw & 1) as i64)
}
