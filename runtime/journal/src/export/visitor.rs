//! Who looks at the leaves of an export while it is verified, and answers for the payloads.

/// Is shown each leaf that is proven, in order, and each payload.
pub trait Visitor {
    /// A leaf that is in the signed log at this index.
    ///
    /// # Errors
    /// Why the export must not be accepted; it becomes the fault at this leaf.
    fn leaf(&mut self, index: u64, leaf: &[u8]) -> Result<(), String>;

    /// Bytes that the export has beside a leaf. The log does not vouch for them: compare them with what the
    /// leaf says, such as a salted digest.
    ///
    /// # Errors
    /// Why they do not belong to the leaf.
    fn payload(&mut self, index: u64, leaf: &[u8], payload: &[u8]) -> Result<(), String>;
}

/// Looks at nothing, and refuses payloads: it cannot tell whether they belong to their leaves.
#[derive(Debug, Clone, Copy, Default)]
pub struct LeavesOnly;

impl Visitor for LeavesOnly {
    fn leaf(&mut self, _: u64, _: &[u8]) -> Result<(), String> {
        Ok(())
    }

    fn payload(&mut self, _: u64, _: &[u8], _: &[u8]) -> Result<(), String> {
        Err("nobody here can say whether this payload belongs to its leaf".to_owned())
    }
}
