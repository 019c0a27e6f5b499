//! Polygons of any shape as triangles, since egui's own fill is only right for convex ones.

use egui::{Color32, Mesh, Pos2};

/// The polygon as a mesh of one colour. Triangles of a mesh have no soft edges, which would show
/// as seams between them.
pub(super) fn mesh(points: &[Pos2], color: Color32) -> Mesh {
    let mut mesh = Mesh::default();
    for corner in triangles(points).into_iter().flatten() {
        // Corners are repeated, so every one has the index of its place.
        let index = mesh.vertices.len() as u32;
        mesh.colored_vertex(corner, color);
        mesh.indices.push(index);
    }
    mesh
}

/// Whether egui fills the polygon as it is.
pub(super) fn is_convex(points: &[Pos2]) -> bool {
    let n = points.len();
    let orientation = signed_area(points).signum();
    // Going round more than once would also turn one way all along; a convex polygon changes its
    // direction along x twice.
    let rising: Vec<bool> = (0..n).map(|i| points[(i + 1) % n].x > points[i].x).collect();
    let changes = (0..n).filter(|&i| rising[i] != rising[(i + 1) % n]).count();
    let turns_alike =
        |i: usize| turn(points[i], points[(i + 1) % n], points[(i + 2) % n]) * orientation >= 0.0;
    changes <= 2 && (0..n).all(turns_alike)
}

fn triangles(points: &[Pos2]) -> Vec<[Pos2; 3]> {
    if points.len() < 3 || points.iter().any(|point| !point.is_finite()) {
        return Vec::new();
    }
    match chains(points) {
        Some((first, second)) => between(&first, &second),
        None => cut_ears(points.to_vec()),
    }
}

/// The polygon's upper and lower line, both from left to right, where each vertical line crosses it
/// at most twice: the area under a curve, the band between two.
fn chains(points: &[Pos2]) -> Option<(Vec<Pos2>, Vec<Pos2>)> {
    let left = (0..points.len()).min_by(|&a, &b| points[a].x.total_cmp(&points[b].x))?;
    let mut round = points.to_vec();
    round.rotate_left(left);
    let right = (0..round.len()).max_by(|&a, &b| round[a].x.total_cmp(&round[b].x))?;
    let first = round[..=right].to_vec();
    let mut second = round[right..].to_vec();
    second.push(round[0]);
    second.reverse();
    let rises = |chain: &[Pos2]| chain.windows(2).all(|pair| pair[0].x <= pair[1].x);
    (rises(&first) && rises(&second)).then_some((first, second))
}

/// Triangles between two lines that run from the same left end to the same right end: both are cut
/// where either has a corner, which leaves a quadrilateral with straight sides between two cuts.
fn between(first: &[Pos2], second: &[Pos2]) -> Vec<[Pos2; 3]> {
    let mut cuts: Vec<f32> = first.iter().chain(second).map(|corner| corner.x).collect();
    cuts.sort_by(f32::total_cmp);
    cuts.dedup();
    let mut lines = [Line::along(first), Line::along(second)];
    let mut triangles = Vec::with_capacity(2 * cuts.len());
    for cut in cuts.windows(2) {
        let [a, b] = lines.each_mut().map(|line| line.between(cut[0], cut[1]));
        triangles.push([a[0], a[1], b[0]]);
        triangles.push([b[0], b[1], a[1]]);
    }
    triangles
}

/// A line from left to right that is walked along once.
struct Line<'a> {
    corners: &'a [Pos2],
    at: usize,
}

impl<'a> Line<'a> {
    fn along(corners: &'a [Pos2]) -> Self {
        Self { corners, at: 0 }
    }

    /// The two points of the line above `left` and `right`, between which it has no corner.
    fn between(&mut self, left: f32, right: f32) -> [Pos2; 2] {
        while self.at + 2 < self.corners.len() && self.corners[self.at + 1].x <= left {
            self.at += 1;
        }
        let (from, to) = (self.corners[self.at], self.corners[self.at + 1]);
        [left, right].map(|x| {
            let share = ((x - from.x) / (to.x - from.x)).clamp(0.0, 1.0);
            Pos2::new(x, from.y + (to.y - from.y) * share)
        })
    }
}

/// Triangles of any simple polygon: one corner after the other is cut off whose triangle holds no
/// other corner.
fn cut_ears(mut points: Vec<Pos2>) -> Vec<[Pos2; 3]> {
    let orientation = signed_area(&points).signum();
    let mut triangles = Vec::with_capacity(points.len());
    while points.len() >= 3 {
        let n = points.len();
        let corner = |i: usize| [points[(i + n - 1) % n], points[i], points[(i + 1) % n]];
        let ear = (0..n).find(|&i| is_ear(corner(i), &points, orientation));
        // A polygon that crosses itself may run out of ears; any corner then lets the work go on.
        let ear = ear.unwrap_or(0);
        triangles.push(corner(ear));
        points.remove(ear);
    }
    triangles
}

fn signed_area(points: &[Pos2]) -> f32 {
    let next = points.iter().cycle().skip(1);
    points.iter().zip(next).map(|(a, b)| a.x * b.y - b.x * a.y).sum()
}

/// Positive where the way from `a` over `b` to `c` turns one way, negative where it turns the other.
fn turn(a: Pos2, b: Pos2, c: Pos2) -> f32 {
    (b.x - a.x) * (c.y - b.y) - (b.y - a.y) * (c.x - b.x)
}

/// Whether the triangle at a corner turns the polygon's way and holds none of its other corners.
fn is_ear([a, b, c]: [Pos2; 3], points: &[Pos2], orientation: f32) -> bool {
    let inside = |p: Pos2| {
        [(a, b), (b, c), (c, a)].into_iter().all(|(from, to)| turn(from, to, p) * orientation > 0.0)
    };
    turn(a, b, c) * orientation > 0.0 && !points.iter().any(|&point| inside(point))
}

#[cfg(test)]
mod tests {
    use egui::pos2;

    use super::*;

    fn check(points: &[(f32, f32)], convex: bool, expected_area: f32) {
        let mut points: Vec<Pos2> = points.iter().map(|&(x, y)| pos2(x, y)).collect();
        for start in 0..points.len() * 2 {
            if start == points.len() {
                points.reverse();
            }
            points.rotate_left(1);
            let pieces = triangles(&points);
            let area: f32 = pieces.iter().map(|piece| signed_area(piece).abs() / 2.0).sum();
            assert!((area - expected_area).abs() < 1e-3, "{area} for {points:?}: {pieces:?}");
            assert_eq!(is_convex(&points), convex, "{points:?}");
        }
    }

    #[test]
    fn triangles_cover_the_polygon_once() {
        check(&[(0., 0.), (10., 0.), (10., 10.), (0., 10.)], true, 100.0);
        check(&[(0., 0.), (5., 5.), (10., 0.), (10., 10.), (0., 10.)], false, 75.0);
        // The area under a curve with a valley.
        check(&[(0., 4.), (1., 9.), (4., 1.), (6., 8.), (7., 10.), (0., 10.)], false, 30.5);
        // A letter C, which a vertical line crosses four times.
        let letter =
            [(0., 0.), (9., 0.), (9., 3.), (3., 3.), (3., 6.), (9., 6.), (9., 9.), (0., 9.)];
        check(&letter, false, 63.0);
    }

    #[test]
    fn odd_polygons_end() {
        let crossing = [pos2(0., 0.), pos2(9., 9.), pos2(9., 0.), pos2(0., 9.), pos2(3., 1.)];
        assert!(!triangles(&crossing).is_empty());
        assert!(triangles(&crossing[..2]).is_empty());
        assert!(triangles(&[pos2(f32::NAN, 0.), pos2(1., 1.), pos2(2., 0.)]).is_empty());
        assert!(is_convex(&[pos2(1., 1.); 4]) && is_convex(&[]));
    }
}
