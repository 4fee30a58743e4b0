//! What Sluis promises, tested. Each module defends one kind of promise; its doc says which.

#[cfg(test)]
mod conduct;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod fault;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod independent;
#[cfg(test)]
mod journey;
#[cfg(test)]
mod property;
#[cfg(test)]
mod race;
#[cfg(test)]
mod scenario;
#[cfg(test)]
mod tidy;
