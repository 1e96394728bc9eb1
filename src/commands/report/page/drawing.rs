//! Where the boxes of a graph stand: in rows, each below all that it uses, near to what it has to
//! do with; and the lines between them.

use std::collections::BTreeSet;

/// Of boxes and the room between them, in pixels.
const HEIGHT: f64 = 42.0;
const BETWEEN_ROWS: f64 = 46.0;
const BETWEEN_BOXES: f64 = 18.0;
const MARGIN: f64 = 4.0;
/// A letter of the boxes' font at its size; other fonts of one width are narrower.
const LETTER: f64 = 7.3;
const PADDING: f64 = 10.0;
/// How often the boxes are moved to where their lines are short.
const SWEEPS: usize = 24;
/// How much more a box wants to be near what it starts from than near what it takes files from.
const PARENT: f64 = 4.0;

/// A box that is to be drawn.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// Letters of its longest line.
    pub letters: usize,
    /// The boxes that it uses, each once.
    pub uses: Vec<Link>,
}

/// That a box uses another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The other, by its place in the list.
    pub to: usize,
    /// It is what this one starts from.
    pub is_parent: bool,
}

/// Boxes and lines in their places, in pixels.
#[derive(Debug, Default)]
pub struct Drawing {
    pub width: f64,
    pub height: f64,
    /// In the order of the nodes.
    pub places: Vec<Place>,
    pub lines: Vec<Line>,
}

/// Where a box is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Place {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

/// A line from the lower edge of a box to the upper edge of one that uses it.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// The box that is used.
    pub from: usize,
    /// The box that uses it, and which of its links this is.
    pub to: usize,
    pub link: usize,
    pub start: (f64, f64),
    pub end: (f64, f64),
}

/// Draws a graph. A circle, which no builder takes, is drawn as well, with lines that lead upwards.
pub fn draw(nodes: &[Node]) -> Drawing {
    let mut rows = rows(nodes);
    let widths: Vec<f64> = nodes.iter().map(width).collect();
    let centres = centres(nodes, &mut rows, &widths);
    let left = |node: usize| centres[node] - widths[node] / 2.0;
    let edge = (0..nodes.len()).map(left).fold(f64::INFINITY, f64::min);
    let mut places = vec![Place::default(); nodes.len()];
    for (number, row) in rows.iter().enumerate() {
        for node in row {
            places[*node] = Place {
                left: left(*node) - edge + MARGIN,
                top: number as f64 * (HEIGHT + BETWEEN_ROWS) + MARGIN,
                width: widths[*node],
                height: HEIGHT,
            };
        }
    }
    let far = |reach: fn(&Place) -> f64| places.iter().map(reach).fold(0.0, f64::max) + MARGIN;
    Drawing {
        width: far(|place| place.left + place.width),
        height: far(|place| place.top + place.height),
        lines: lines(nodes, &places),
        places,
    }
}

fn width(node: &Node) -> f64 {
    node.letters as f64 * LETTER + 2.0 * PADDING
}

/// The boxes of each row, top to bottom.
fn rows(nodes: &[Node]) -> Vec<Vec<usize>> {
    let mut depths = vec![0; nodes.len()];
    // A graph without circles is done after as many rounds as its longest path has boxes.
    for _ in 0..nodes.len() {
        for (index, node) in nodes.iter().enumerate() {
            let below = node.uses.iter().map(|link| depths[link.to] + 1).max();
            depths[index] = below.unwrap_or(0);
        }
    }
    // What uses nothing stands just above what first needs it.
    for (index, node) in nodes.iter().enumerate() {
        if node.uses.is_empty() {
            let users = users(nodes, index).into_iter();
            let first = users.map(|(user, _)| depths[user]).min();
            depths[index] = first.unwrap_or(1).max(1) - 1;
        }
    }
    let used: BTreeSet<usize> = depths.iter().copied().collect();
    let row = |depth| (0..nodes.len()).filter(move |node| depths[*node] == depth);
    used.into_iter()
        .map(|depth| row.clone()(depth).collect())
        .collect()
}

/// The boxes that use a box, and how much they want to be near it.
fn users(nodes: &[Node], of: usize) -> Vec<(usize, f64)> {
    let links = |(index, node): (usize, &Node)| {
        let link = node.uses.iter().find(|link| link.to == of)?;
        Some((index, weight(link)))
    };
    nodes.iter().enumerate().filter_map(links).collect()
}

fn weight(link: &Link) -> f64 {
    if link.is_parent { PARENT } else { 1.0 }
}

/// The middles of all boxes; orders the boxes of each row.
fn centres(nodes: &[Node], rows: &mut [Vec<usize>], widths: &[f64]) -> Vec<f64> {
    let mut centres = vec![0.0; nodes.len()];
    let uses = |node: usize| -> Vec<(usize, f64)> {
        let links = nodes[node].uses.iter();
        links.map(|link| (link.to, weight(link))).collect()
    };
    let users: Vec<_> = (0..nodes.len()).map(|node| users(nodes, node)).collect();
    for row in rows.iter() {
        settle(row, &vec![0.0; row.len()], widths, &mut centres);
    }
    for sweep in 0..SWEEPS {
        let downwards = sweep % 2 == 0;
        for index in 0..rows.len() {
            let row = match downwards {
                true => &mut rows[index],
                false => {
                    let index = rows.len() - 1 - index;
                    &mut rows[index]
                }
            };
            let wanted = |node: usize| {
                let mut near = uses(node);
                near.extend(&users[node]);
                let whole: f64 = near.iter().map(|(_, weight)| weight).sum();
                let sum: f64 = (near.iter())
                    .map(|(other, weight)| centres[*other] * weight)
                    .sum();
                if whole > 0.0 {
                    sum / whole
                } else {
                    centres[node]
                }
            };
            let mut order: Vec<(usize, f64)> =
                row.iter().map(|node| (*node, wanted(*node))).collect();
            order.sort_by(|one, other| one.1.total_cmp(&other.1));
            *row = order.iter().map(|(node, _)| *node).collect();
            let wanted: Vec<f64> = order.iter().map(|(_, wanted)| *wanted).collect();
            settle(row, &wanted, widths, &mut centres);
        }
    }
    centres
}

/// Puts the boxes of a row as near as can be to where they are wanted, in this order and without
/// covering each other: the least squares, by pooling neighbours that are in each other's way
/// (isotonic regression).
fn settle(row: &[usize], wanted: &[f64], widths: &[f64], centres: &mut [f64]) {
    let mut offsets = Vec::new();
    let mut reach = 0.0;
    for node in row {
        offsets.push(reach + widths[*node] / 2.0);
        reach += widths[*node] + BETWEEN_BOXES;
    }
    // Sums of wanted places, and of how many.
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (wanted, offset) in wanted.iter().zip(&offsets) {
        let mut pool = (wanted - offset, 1);
        while let Some(before) = pools.last().copied() {
            if before.0 / before.1 as f64 <= pool.0 / pool.1 as f64 {
                break;
            }
            pools.pop();
            pool = (before.0 + pool.0, before.1 + pool.1);
        }
        pools.push(pool);
    }
    let starts = pools
        .iter()
        .flat_map(|(sum, count)| std::iter::repeat_n(sum / *count as f64, *count));
    for ((node, offset), start) in row.iter().zip(&offsets).zip(starts) {
        centres[*node] = start + offset;
    }
}

/// The lines, which share the edges of their boxes in an order in which they cross least.
fn lines(nodes: &[Node], places: &[Place]) -> Vec<Line> {
    let centre = |node: usize| places[node].left + places[node].width / 2.0;
    let mut lines = Vec::new();
    for (to, node) in nodes.iter().enumerate() {
        for (link, used) in node.uses.iter().enumerate() {
            lines.push(Line {
                from: used.to,
                to,
                link,
                start: (0.0, places[used.to].top + places[used.to].height),
                end: (0.0, places[to].top),
            });
        }
    }
    let port = |place: &Place, index: usize, of: usize| {
        place.left + place.width * (index + 1) as f64 / (of + 1) as f64
    };
    for (node, place) in places.iter().enumerate() {
        let mut out: Vec<&mut Line> = lines.iter_mut().filter(|line| line.from == node).collect();
        out.sort_by(|one, other| centre(one.to).total_cmp(&centre(other.to)));
        let of = out.len();
        for (index, line) in out.into_iter().enumerate() {
            line.start.0 = port(place, index, of);
        }
        let mut into: Vec<&mut Line> = lines.iter_mut().filter(|line| line.to == node).collect();
        into.sort_by(|one, other| centre(one.from).total_cmp(&centre(other.from)));
        let of = into.len();
        for (index, line) in into.into_iter().enumerate() {
            line.end.0 = port(place, index, of);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(letters: usize, uses: &[usize]) -> Node {
        let uses = uses.iter().enumerate().map(|(index, to)| Link {
            to: *to,
            is_parent: index == 0,
        });
        Node {
            letters,
            uses: uses.collect(),
        }
    }

    fn covers(one: &Place, other: &Place) -> bool {
        let apart = |start: f64, length: f64, other: f64, its: f64| {
            start + length <= other || other + its <= start
        };
        !apart(one.left, one.width, other.left, other.width)
            && !apart(one.top, one.height, other.top, other.height)
    }

    #[test]
    fn boxes_stand_below_what_they_use_and_cover_nothing() {
        let mut nodes = vec![node(12, &[]), node(8, &[0]), node(4, &[])];
        for index in 0..9 {
            nodes.push(node(5 + 3 * index, &[1]));
        }
        // It needs all of them, and the third box, which nothing above needs.
        nodes.push(node(30, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]));
        let drawing = draw(&nodes);
        assert_eq!(drawing.lines.len(), 21);
        for line in &drawing.lines {
            let (from, to) = (drawing.places[line.from], drawing.places[line.to]);
            assert!(from.top + from.height < to.top, "{line:?}");
            assert_eq!((line.start.1, line.end.1), (from.top + from.height, to.top));
            assert!(line.start.0 > from.left && line.start.0 < from.left + from.width);
            assert!(line.end.0 > to.left && line.end.0 < to.left + to.width);
        }
        for (index, place) in drawing.places.iter().enumerate() {
            let others = &drawing.places[index + 1..];
            assert!(!others.iter().any(|other| covers(place, other)), "{index}");
            assert!(place.left >= MARGIN && place.left + place.width <= drawing.width - MARGIN);
            assert!(place.top + place.height <= drawing.height - MARGIN);
        }
        // Just above what needs it, and not at the top.
        assert_eq!(drawing.places[2].top, drawing.places[3].top);
    }

    #[test]
    fn a_chain_is_one_straight_line() {
        let drawing = draw(&[node(5, &[]), node(9, &[0]), node(3, &[1])]);
        let middles = drawing.places.iter().map(|one| one.left + one.width / 2.0);
        let middles: Vec<f64> = middles.collect();
        for middle in &middles {
            assert!((middle - middles[0]).abs() < 0.01, "{middles:?}");
        }
    }

    #[test]
    fn a_circle_is_drawn_and_so_is_nothing() {
        let drawing = draw(&[node(3, &[1]), node(3, &[0]), node(3, &[2])]);
        assert_eq!(drawing.lines.len(), 3);
        assert!(drawing.height < 400.0, "{}", drawing.height);
        assert!(draw(&[]).lines.is_empty());
    }
}
