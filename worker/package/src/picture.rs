//! A package's graph as a picture: boxes for inputs, nodes and outputs, and an arrow for each tensor that is handed on.
//!
//! [`dot`] is for Graphviz, and [`svg`] for a browser. Boxes stand in layers, each below all that it takes. A darker
//! box has more work, and the outline says the precision of a contraction. Weights are lines of text in the boxes that
//! take them. The same package gives the same bytes.

use super::{
    Package,
    costs::{Costs, percent, short, shown_sizes},
    inspect::layout,
};
use assay_exact::{digest::tensor_size_bytes, graph::Value};
use std::fmt::Write;

/// Characters of a line in a box.
const LINE_CHARACTERS: usize = 36;
/// Width and height of a box of an SVG, and the distances between boxes, in pixels.
const BOX: [usize; 2] = [250, 62];
const GAP: [usize; 2] = [20, 44];
/// Pixels around all boxes.
const MARGIN: usize = 20;
/// Pixels from the top of a box to the first line of its text, and from line to line.
const FIRST_LINE: usize = 17;
const LINE: usize = 14;

/// A graph as boxes and arrows.
struct Picture {
    title: String,
    boxes: Vec<Shape>,
    /// Positions of two boxes.
    arrows: Vec<(usize, usize)>,
}

struct Shape {
    kind: Kind,
    lines: Vec<String>,
    /// Boxes above it that it stands below.
    layer: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Input,
    /// A node with its share of the largest node's work, from 0 to 1.
    Node(f64, Option<&'static str>),
    Output,
}

/// The graph in the language of Graphviz.
pub fn dot(package: &Package) -> String {
    let picture = Picture::of(package);
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = picture.write_dot(&mut text);
    text
}

/// The graph as an SVG.
pub fn svg(package: &Package) -> String {
    let picture = Picture::of(package);
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = picture.write_svg(&mut text);
    text
}

impl Picture {
    fn of(package: &Package) -> Self {
        let (checked, graph) = (package.graph(), package.graph().graph());
        let costs = Costs::at(checked, &shown_sizes(checked));
        let (work, largest) = (costs.work(), costs.nodes.iter().map(|node| node.work).max());
        let mut boxes: Vec<Shape> = Vec::new();
        let mut arrows = Vec::new();
        for (index, input) in graph.inputs.iter().enumerate() {
            boxes.push(Shape {
                kind: Kind::Input,
                lines: vec![input.name.clone(), layout(checked, Value::Input(index as u16))],
                layer: 0,
            });
        }
        let inputs = boxes.len();
        let place = |value: &Value| match value {
            Value::Input(index) => Some(usize::from(*index)),
            Value::Weight(_) => None,
            Value::Node(index) => Some(inputs + *index as usize),
        };
        for (index, (node, cost)) in graph.nodes.iter().zip(&costs.nodes).enumerate() {
            let taken: Vec<usize> = node.inputs.iter().filter_map(place).collect();
            let layer = taken.iter().map(|taken| boxes[*taken].layer + 1).max().unwrap_or(0);
            arrows.extend(taken.iter().map(|taken| (*taken, inputs + index)));
            let precision = cost.precision.map(|name| format!(" {name}")).unwrap_or_default();
            let weights = node.inputs.iter().filter_map(|value| match value {
                Value::Weight(index) => graph.weights.get(usize::from(*index)),
                _ => None,
            });
            let bytes: u64 = weights
                .filter_map(|weight| tensor_size_bytes(weight.dtype, &weight.shape))
                .sum();
            let weights = match bytes {
                0 => String::new(),
                bytes => format!(", weights {}B", short(bytes)),
            };
            boxes.push(Shape {
                kind: Kind::Node(percent(cost.work, largest.unwrap_or(0)) / 100.0, cost.precision),
                lines: vec![
                    format!("{}{precision}", node.operator.name()),
                    node.name.clone(),
                    layout(checked, Value::Node(index as u32)),
                    format!("{:.1} % of the work{weights}", percent(cost.work, work)),
                ],
                layer,
            });
        }
        let last = boxes.iter().map(|shape| shape.layer + 1).max().unwrap_or(0);
        for output in &graph.outputs {
            arrows.extend(place(&output.value).map(|place| (place, boxes.len())));
            boxes.push(Shape {
                kind: Kind::Output,
                lines: vec![output.name.clone(), layout(checked, output.value)],
                layer: last,
            });
        }
        Self {
            title: format!("{} {}", package.manifest().name, package.manifest().version),
            boxes,
            arrows,
        }
    }

    fn write_dot(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "digraph \"{}\" {{", quoted(&self.title))?;
        writeln!(
            text,
            "  node [shape=box, style=filled, fontname=\"sans-serif\", fontsize=10];"
        )?;
        for (index, shape) in self.boxes.iter().enumerate() {
            let lines = shape.lines.iter().map(|line| quoted(&shortened(line)));
            writeln!(
                text,
                "  b{index} [label=\"{}\", fillcolor=\"{}\", color=\"{}\"];",
                lines.collect::<Vec<_>>().join("\\n"),
                shape.kind.fill(),
                shape.kind.outline()
            )?;
        }
        for (from, to) in &self.arrows {
            writeln!(text, "  b{from} -> b{to};")?;
        }
        writeln!(text, "}}")
    }

    fn write_svg(&self, text: &mut String) -> std::fmt::Result {
        let (places, [width, height]) = self.places();
        writeln!(
            text,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\">"
        )?;
        writeln!(text, "<title>{}</title>", escaped(&self.title))?;
        writeln!(
            text,
            "<defs><marker id=\"end\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" \
             orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#777\"/></marker></defs>"
        )?;
        writeln!(text, "<g fill=\"none\" stroke=\"#777\">")?;
        for (from, to) in &self.arrows {
            let [x, y] = [places[*from][0] + BOX[0] / 2, places[*from][1] + BOX[1]];
            let [to_x, to_y] = [places[*to][0] + BOX[0] / 2, places[*to][1]];
            let middle = (y + to_y) / 2;
            writeln!(
                text,
                "<path marker-end=\"url(#end)\" d=\"M{x} {y}C{x} {middle} {to_x} {middle} {to_x} {to_y}\"/>"
            )?;
        }
        writeln!(text, "</g>")?;
        for (shape, [x, y]) in self.boxes.iter().zip(&places) {
            let ([width, height], kind) = (BOX, shape.kind);
            writeln!(
                text,
                "<g><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"4\" \
                 fill=\"{}\" stroke=\"{}\"/>",
                escaped(&shape.lines.join(" | ")),
                kind.fill(),
                kind.outline()
            )?;
            for (index, line) in shape.lines.iter().enumerate() {
                let (x, y) = (x + 8, y + FIRST_LINE + LINE * index);
                writeln!(text, "<text x=\"{x}\" y=\"{y}\">{}</text>", escaped(&shortened(line)))?;
            }
            writeln!(text, "</g>")?;
        }
        writeln!(text, "</svg>")
    }

    /// Left upper corners of the boxes in pixels, and the size of the whole. Within a layer, boxes stand in the order
    /// of the mean place of what they take.
    fn places(&self) -> (Vec<[usize; 2]>, [usize; 2]) {
        let mut layers: Vec<Vec<usize>> = Vec::new();
        for (index, shape) in self.boxes.iter().enumerate() {
            if layers.len() <= shape.layer {
                layers.resize_with(shape.layer + 1, Vec::new);
            }
            layers[shape.layer].push(index);
        }
        let mut taken: Vec<Vec<usize>> = vec![Vec::new(); self.boxes.len()];
        for (from, to) in &self.arrows {
            taken[*to].push(*from);
        }
        let pitch = [BOX[0] + GAP[0], BOX[1] + GAP[1]];
        let widest = layers.iter().map(Vec::len).max().unwrap_or(0);
        let mut places = vec![[0, 0]; self.boxes.len()];
        for (layer, members) in layers.iter_mut().enumerate() {
            let mean = |index: &usize| {
                let from = &taken[*index];
                from.iter().map(|from| places[*from][0]).sum::<usize>() / from.len().max(1)
            };
            // The sort keeps the graph's order where means are equal.
            members.sort_by_cached_key(mean);
            let left = MARGIN + (widest - members.len()) * pitch[0] / 2;
            for (position, index) in members.iter().enumerate() {
                places[*index] = [left + position * pitch[0], MARGIN + layer * pitch[1]];
            }
        }
        let size = [
            2 * MARGIN + widest * pitch[0] - GAP[0].min(widest * pitch[0]),
            2 * MARGIN + layers.len() * pitch[1] - GAP[1].min(layers.len() * pitch[1]),
        ];
        (places, size)
    }
}

impl Kind {
    /// Colour of the box: from white for no work to orange for the most work of a node.
    fn fill(self) -> String {
        match self {
            Self::Input => "#dcebff".to_owned(),
            Self::Output => "#dcf5dc".to_owned(),
            Self::Node(share, _) => {
                let less = |most: f64| 255 - (share.clamp(0.0, 1.0) * most).round() as u8;
                format!("#ff{:02x}{:02x}", less(90.0), less(190.0))
            }
        }
    }

    /// Colour of the outline.
    fn outline(self) -> &'static str {
        match self {
            Self::Node(_, Some("int8")) => "#0a7d28",
            Self::Node(_, Some("int16int8")) => "#1f4fd8",
            Self::Node(_, Some(_)) => "#8a1fd8",
            _ => "#888888",
        }
    }
}

/// A line that fits a box.
fn shortened(line: &str) -> String {
    match line.char_indices().nth(LINE_CHARACTERS) {
        None => line.to_owned(),
        Some(_) => line.chars().take(LINE_CHARACTERS - 1).chain(['…']).collect(),
    }
}

/// A name for a string of Graphviz. Names come from the author of a model, so nothing in them may end the string.
fn quoted(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for character in name.chars() {
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            character if character.is_control() => text.push(' '),
            character => text.push(character),
        }
    }
    text
}

/// A name for the text of an SVG.
fn escaped(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for character in name.chars() {
        match character {
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '&' => text.push_str("&amp;"),
            '"' => text.push_str("&quot;"),
            // XML has no noncharacters either.
            character if character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}') => text.push(' '),
            character => text.push(character),
        }
    }
    text
}

#[cfg(test)]
mod tests;
