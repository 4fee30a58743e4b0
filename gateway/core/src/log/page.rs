//! Items of a page: encoding and sub-root.
/// The items of a page as one blob.
#[derive(Debug, Clone)]
pub struct PageBlob;
