package mapping

import "github.com/vendorsync/vendorsync/internal/path"

// unwanted is the slot of a node whose token nobody asks for.
const unwanted = -1

func newNode() *node { return &node{slot: unwanted} }

// want returns the node at the end of a path below n, whose token is wanted.
func (n *node) want(p path.Path) *node {
	n = n.walk(p)
	n.slot = 0 // number gives it its own
	return n
}

// walk returns the node at the end of a path below n and makes those that are
// missing on the way.
func (n *node) walk(p path.Path) *node {
	for _, step := range p {
		if step.IsIndex {
			n = n.item(step.Index)
		} else {
			n = n.member(step.Key)
		}
	}
	return n
}

func (n *node) member(key string) *node {
	for _, k := range n.keys.keys {
		if k.key == key {
			return k.node
		}
	}
	child := newNode()
	n.keys.keys = append(n.keys.keys, keyNode{key, child})
	return child
}

func (n *node) item(index int) *node {
	for _, item := range n.items {
		if item.index == index {
			return item.node
		}
	}
	child := newNode()
	n.items = append(n.items, itemNode{index: index, node: child})
	n.tail = n.tail || index < 0
	return child
}

// seal makes the tree below n ready for a scanner. Slots are numbered so that
// those at and below one node are a range, from next on; seal returns the first
// one after it.
func (n *node) seal(next int) int {
	n.lo = next
	if n.slot != unwanted {
		n.slot = next
		next++
	}
	var below []*node
	for _, k := range n.keys.keys {
		below = append(below, k.node)
	}
	for _, item := range n.items {
		below = append(below, item.node)
	}
	n.leaf = n.slot != unwanted && len(below) == 0 && len(n.lists) == 0 && !n.mask
	for _, l := range n.lists {
		l.size = l.item.seal(0)
		n.below = append(n.below, l.index)
	}
	for _, child := range below {
		next = child.seal(next)
		n.below = append(n.below, child.below...)
	}
	n.keys.seal()
	n.hi = next
	return next
}
