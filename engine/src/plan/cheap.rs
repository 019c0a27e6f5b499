//! Which cuts are cheap compared with those beside them.

/// The cuts that no neighbour undercuts: local minima of the bytes that cross, in the order given.
/// Of neighbours that cost the same only the last counts, which keeps an activation with the layer
/// that it follows.
#[must_use]
pub fn cheap_cuts(crossings: &[(usize, u64)]) -> Vec<usize> {
    let mut cheap = Vec::new();
    let mut before = u64::MAX;
    for plateau in crossings.chunk_by(|a, b| a.1 == b.1) {
        let (cut, bytes) = plateau[plateau.len() - 1];
        let after = crossings.partition_point(|&(c, _)| c <= cut);
        let after = crossings.get(after).map_or(u64::MAX, |&(_, bytes)| bytes);
        if bytes < before && bytes < after {
            cheap.push(cut);
        }
        before = bytes;
    }
    cheap
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u64], expected: &[usize]) {
        let crossings: Vec<_> = bytes.iter().enumerate().map(|(i, &b)| (i + 1, b)).collect();
        assert_eq!(cheap_cuts(&crossings), expected, "{bytes:?}");
    }

    #[test]
    fn minima_are_found_and_plateaus_count_once() {
        check(&[], &[]);
        check(&[7], &[1]);
        check(&[9, 9, 3, 8, 8, 5, 5, 6], &[3, 7]);
        check(&[4, 3, 2, 1], &[4]);
        check(&[1, 2, 2, 3], &[1]);
        check(&[5, 5, 5], &[3]);
        check(&[9, 4, 4, 2, 9], &[4]);
    }
}
