//! What Sluis promises, tested. Each module defends one kind of promise; its doc says which.

#[cfg(test)]
mod contract;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod independent;
#[cfg(test)]
mod journey;
#[cfg(test)]
mod scenario;
#[cfg(test)]
mod tidy;
