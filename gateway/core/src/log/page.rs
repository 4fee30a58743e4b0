//! Pages: the items of one page of a batch or audit, as one blob under one leaf.

/// The items of a page as they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageBlob {
    texts: Vec<String>,
}

impl PageBlob {
    /// The items as one blob: each text behind its length, two bytes, big end first.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.texts.iter().flat_map(|text| [&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes(), text.as_bytes()].concat()).collect()
    }
}
