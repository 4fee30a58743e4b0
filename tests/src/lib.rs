//! placeholder

#[cfg(test)]
mod scenario;
