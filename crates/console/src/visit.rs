//! Who visits, in the words of what acts for them.

use limpid_access::Visitor;
use limpid_cluster::By;

/// Who asks for something, and from where.
pub(crate) fn by(visitor: &Visitor) -> By {
    let address = visitor.address();
    By {
        who: visitor.name().unwrap_or_default().to_owned(),
        from: address.map(|a| a.to_string()).unwrap_or_default(),
    }
}
