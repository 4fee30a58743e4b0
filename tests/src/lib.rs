//! What Sluis promises, tested. Each module defends one kind of promise; its doc says which.

#[cfg(test)]
mod contract;
#[cfg(test)]
mod scenario;
