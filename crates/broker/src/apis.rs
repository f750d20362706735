//! The registered handlers. What ApiVersions advertises is read from here.

use std::sync::Arc;

use limpid_protocol::ApiKey;

use crate::handler::{ApiRange, Handler};

/// Handlers by API key.
pub struct Apis {
    handlers: Vec<Option<Box<dyn Handler>>>,
    ranges: Arc<[ApiRange]>,
}

impl Apis {
    /// Registers the handlers, and one more that is made from the ranges of all: ApiVersions.
    ///
    /// # Panics
    /// If two handlers answer the same API.
    pub fn new(
        handlers: Vec<Box<dyn Handler>>,
        own_range: ApiRange,
        api_versions: impl FnOnce(Arc<[ApiRange]>) -> Box<dyn Handler>,
    ) -> Self {
        let mut ranges: Vec<ApiRange> = handlers.iter().map(|h| h.range()).collect();
        ranges.push(own_range);
        ranges.sort_by_key(|r| r.key as i16);
        let ranges: Arc<[ApiRange]> = ranges.into();
        let mut table: Vec<Option<Box<dyn Handler>>> = Vec::new();
        for handler in handlers
            .into_iter()
            .chain([api_versions(Arc::clone(&ranges))])
        {
            let index = handler.range().key as usize;
            if table.len() <= index {
                table.resize_with(index + 1, || None);
            }
            let before = table[index].replace(handler);
            assert!(before.is_none(), "two handlers for API {index}");
        }
        Self {
            handlers: table,
            ranges,
        }
    }

    /// The handler of an API key as it came off the wire.
    pub fn find(&self, key: i16) -> Option<(ApiKey, &dyn Handler)> {
        let handler = self.handlers.get(usize::try_from(key).ok()?)?.as_deref()?;
        Some((handler.range().key, handler))
    }

    /// The ranges of all handlers, by key.
    pub fn ranges(&self) -> &[ApiRange] {
        &self.ranges
    }
}
