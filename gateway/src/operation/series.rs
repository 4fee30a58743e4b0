//! Numbers by label, without a lock: the rows are replaced as a whole when a new combination of labels appears.
//!
//! Promise: the number of rows is bounded, so that nobody fills the memory or the page with labels of his own; what finds
//! no row any more is counted as left out.

use arc_swap::ArcSwap;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Most rows of one series.
const ROWS_MAX: usize = 2000;

/// The values of the labels of one row.
pub type Labels<const N: usize> = [Cow<'static, str>; N];

/// Rows by label.
pub struct Series<const N: usize, T = AtomicU64> {
    rows: ArcSwap<BTreeMap<Labels<N>, Arc<T>>>,
    left_out: AtomicU64,
}

impl<const N: usize, T> Default for Series<N, T> {
    fn default() -> Self {
        Self { rows: ArcSwap::default(), left_out: AtomicU64::new(0) }
    }
}

impl<const N: usize, T: Default> Series<N, T> {
    /// Does something with the row of these labels, which is made when it is new and there is room.
    pub fn with(&self, labels: Labels<N>, work: impl FnOnce(&T)) {
        if let Some(row) = self.rows.load().get(&labels) {
            return work(row);
        }
        self.rows.rcu(|rows| {
            if rows.contains_key(&labels) || rows.len() >= ROWS_MAX {
                return Arc::clone(rows);
            }
            let mut more = BTreeMap::clone(rows);
            more.insert(labels.clone(), Arc::default());
            Arc::new(more)
        });
        match self.rows.load().get(&labels) {
            Some(row) => work(row),
            None => _ = self.left_out.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// The rows as they are now, in the order of their labels.
    #[must_use]
    pub fn rows(&self) -> Arc<BTreeMap<Labels<N>, Arc<T>>> {
        self.rows.load_full()
    }

    /// What found no row because there were too many.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }
}

impl<const N: usize> Series<N> {
    /// Adds one to the row of these labels.
    pub fn count(&self, labels: Labels<N>) {
        self.with(labels, |row| _ = row.fetch_add(1, Ordering::Relaxed));
    }

    /// The numbers as they are now.
    #[must_use]
    pub fn numbers(&self) -> BTreeMap<Labels<N>, u64> {
        self.rows().iter().map(|(labels, row)| (labels.clone(), row.load(Ordering::Relaxed))).collect()
    }
}

impl<const N: usize, T> std::fmt::Debug for Series<N, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Series({} rows)", self.rows.load().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_bounded_and_nothing_is_lost_uncounted() {
        let series = Series::<1>::default();
        for number in 0..ROWS_MAX + 5 {
            series.count([number.to_string().into()]);
            series.count([number.to_string().into()]);
        }
        assert_eq!((series.rows().len(), series.left_out()), (ROWS_MAX, 10));
        assert_eq!(series.numbers().get(&["7".into()]), Some(&2));
    }

    #[test]
    fn threads_that_meet_lose_nothing() {
        let series = Arc::new(Series::<1>::default());
        let counting =
            |series: Arc<Series<1>>| move || (0..1000).for_each(|n| series.count([(n % 50).to_string().into()]));
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(counting(Arc::clone(&series)))).collect();
        threads.into_iter().for_each(|t| t.join().unwrap());
        assert_eq!(series.numbers().values().sum::<u64>(), 4000);
    }
}
