//! Properties of the pure core on random input, under every shipped policy: a decision is bounded by its rule, doubt and
//! protection only ever take away, and standing is what its changes say.

mod decide;
mod enrolment;
mod standing;
