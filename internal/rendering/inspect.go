package rendering

import (
	"text/template"
	"text/template/parse"
)

// inspection is the look at a parsed template before it is carried out. What it lets through ends,
// after a number of steps that it has counted: there is no recursion, a loop runs over a list of the
// token's, and a name is one of the token's values or of the functions.
type inspection struct {
	tree      *parse.Tree
	functions template.FuncMap
	values    map[string]any
}

// inspect refuses what is not known to end, and counts the steps of the rest.
func inspect(parsed *template.Template, functions template.FuncMap, values map[string]any) (steps int, err error) {
	if parsed.Tree == nil || len(parsed.Templates()) > 1 {
		return 0, refusal("define is not known here: a template is one text")
	}
	i := inspection{tree: parsed.Tree, functions: functions, values: values}
	return i.cost(parsed.Root)
}

// cost is how many steps a node takes, all below it included.
func (i *inspection) cost(node parse.Node) (int, error) {
	switch node := node.(type) {
	case *parse.ListNode:
		if node == nil { // an absent else
			return 0, nil
		}
		return i.sum(node.Nodes...)
	case *parse.ActionNode:
		return i.sum(node.Pipe)
	case *parse.IfNode:
		return i.sum(node.Pipe, node.List, node.ElseList)
	case *parse.WithNode:
		return i.sum(node.Pipe, node.List, node.ElseList)
	case *parse.RangeNode:
		return i.loop(node)
	case *parse.PipeNode:
		return i.pipe(node)
	case *parse.CommandNode:
		return i.sum(node.Args...)
	case *parse.TextNode, *parse.DotNode, *parse.BoolNode, *parse.NumberNode, *parse.StringNode,
		*parse.CommentNode, *parse.BreakNode, *parse.ContinueNode:
		return 1, nil
	case *parse.IdentifierNode:
		return 1, i.function(node)
	case *parse.FieldNode:
		return 1, i.value(node, node.Ident)
	case *parse.VariableNode:
		return 1, i.variable(node)
	}
	return 0, i.refusef(node, "this is not known here")
}

func (i *inspection) sum(nodes ...parse.Node) (steps int, err error) {
	steps = 1
	for _, node := range nodes {
		cost, err := i.cost(node)
		if err != nil {
			return 0, err
		}
		steps = min(steps+cost, maxSteps+1) // no more than that is ever paid
	}
	return steps, nil
}

// loop runs over a list of the token's, whose length is known. A number would do in Go, and be as
// long as its writer likes.
func (i *inspection) loop(node *parse.RangeNode) (int, error) {
	list, ok := i.list(node.Pipe)
	if !ok {
		return 0, i.refusef(node, "range runs over a list of the token's, .scopes or .audiences")
	}
	turn, err := i.cost(node.List)
	if err != nil {
		return 0, err
	}
	rest, err := i.sum(node.Pipe, node.ElseList)
	return min(rest+turn*len(list), maxSteps+1), err
}

// list is the list that a range names.
func (i *inspection) list(pipe *parse.PipeNode) ([]string, bool) {
	if len(pipe.Cmds) != 1 || len(pipe.Cmds[0].Args) != 1 {
		return nil, false
	}
	var name []string
	switch node := pipe.Cmds[0].Args[0].(type) {
	case *parse.FieldNode:
		name = node.Ident
	case *parse.VariableNode:
		name = node.Ident[1:] // no other variable than $ has a name behind it, which cost finds out
	}
	if len(name) != 1 {
		return nil, false
	}
	list, ok := i.values[name[0]].([]string)
	return list, ok
}

func (i *inspection) pipe(node *parse.PipeNode) (int, error) {
	commands := make([]parse.Node, len(node.Cmds))
	for at, command := range node.Cmds {
		commands[at] = command
	}
	return i.sum(commands...)
}

func (i *inspection) function(node *parse.IdentifierNode) error {
	if _, ok := i.functions[node.Ident]; !ok && !builtins[node.Ident] {
		return i.refusef(node, "function %q is not known here", node.Ident)
	}
	return nil
}

// variable is a variable by itself, or a value by way of $, which is always all of them.
func (i *inspection) variable(node *parse.VariableNode) error {
	if len(node.Ident) == 1 {
		return nil
	}
	if node.Ident[0] == "$" {
		return i.value(node, node.Ident[1:])
	}
	return i.refusef(node, "a text or a list has no field")
}

func (i *inspection) value(node parse.Node, name []string) error {
	if _, ok := i.values[name[0]]; !ok {
		return i.refusef(node, "there is no value %q", "."+name[0])
	}
	if len(name) > 1 {
		return i.refusef(node, "a text or a list has no field")
	}
	return nil
}

// refusef refuses a node and says where it stands.
func (i *inspection) refusef(node parse.Node, format string, args ...any) error {
	place, _ := i.tree.ErrorContext(node)
	found := position.FindStringSubmatch("template: " + place + ": ")
	if found == nil {
		return refusef(format, args...)
	}
	return refusef("%s: %s", where(found), refusef(format, args...))
}
