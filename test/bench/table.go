package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
)

// figure is one line of the table.
type figure struct {
	name, measured, target string
	// met is empty where there is no target.
	met string
}

type table []figure

// ratioAtMost adds a ratio that is to be no greater than its target.
func (t *table) ratioAtMost(name string, r ratio, target float64) {
	*t = append(*t, figure{name, r.String(), fmt.Sprintf("≤ %.2f", target), yes(r.middle <= target)})
}

// countAtMost adds a count that is to be no greater than its target.
func (t *table) countAtMost(name string, count, target int64) {
	*t = append(*t, figure{name, fmt.Sprint(count), fmt.Sprintf("≤ %d", target), yes(count <= target)})
}

// meanAtMost adds a mean of counts, of which two decimals count.
func (t *table) meanAtMost(name string, mean, target float64) {
	mean = math.Round(mean*100) / 100
	*t = append(*t, figure{name, fmt.Sprintf("%.2f", mean), fmt.Sprintf("≤ %.0f", target), yes(mean <= target)})
}

// percentAtLeast adds a share that is to be no smaller than its target.
func (t *table) percentAtLeast(name string, share, target float64, note string) {
	*t = append(*t, figure{name, fmt.Sprintf("%.0f %% %s", 100*share, note), fmt.Sprintf("≥ %.0f %%", 100*target), yes(share >= target)})
}

// atMost adds a measure with a unit.
func (t *table) atMost(name string, measured, target float64, unit string) {
	*t = append(*t, figure{name, fmt.Sprintf("%.1f %s", measured, unit), fmt.Sprintf("≤ %.0f %s", target, unit), yes(measured <= target)})
}

// tell adds what has no target.
func (t *table) tell(name, measured string) {
	*t = append(*t, figure{name: name, measured: measured})
}

func yes(met bool) string {
	if met {
		return "met"
	}
	return "NOT MET"
}

func (t table) print(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FIGURE\tMEASURED\tTARGET\tMET")
	for _, f := range t {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", f.name, f.measured, f.target, f.met)
	}
	return w.Flush()
}

// ratio is what a measurement in turns has come to: the middle one of the turns' ratios, which a
// turn that the machine was busy in does not move, and the two ends.
type ratio struct{ least, middle, most float64 }

// ratioOf divides turn by turn.
func ratioOf(measured, base []float64) ratio {
	each := make([]float64, len(measured))
	for i := range measured {
		each[i] = measured[i] / base[i]
	}
	slices.Sort(each)
	return ratio{each[0], median(each), each[len(each)-1]}
}

func (r ratio) String() string {
	return fmt.Sprintf("%.2f (%.2f to %.2f)", r.middle, r.least, r.most)
}

// median is that of sorted values.
func median(sorted []float64) float64 {
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// quantile is the smallest of the values that a share of them does not exceed.
func quantile[T ~int64](values []T, share float64) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}
