//! What Sluis promises, tested. Each module defends one kind of promise; its doc says which.

#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod canary;
#[cfg(test)]
mod closed;
#[cfg(test)]
mod conduct;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod differential;
#[cfg(test)]
mod disclosure;
#[cfg(test)]
mod enrolling;
#[cfg(test)]
mod fault;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod guide;
#[cfg(test)]
mod independent;
#[cfg(test)]
mod invariant;
#[cfg(test)]
mod jose;
#[cfg(test)]
mod journey;
#[cfg(test)]
mod limit;
#[cfg(test)]
mod look_alike;
#[cfg(test)]
mod nodes;
#[cfg(test)]
mod operator_guide;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod pacing;
#[cfg(test)]
mod pairs;
#[cfg(test)]
mod property;
#[cfg(test)]
mod race;
#[cfg(test)]
mod replicas;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod scenario;
#[cfg(test)]
mod shape;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tamper;
#[cfg(test)]
mod threat;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod turn;
#[cfg(test)]
mod world;
