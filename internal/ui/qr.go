package ui

import (
	"fmt"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// QR is a QR code drawn as one path of squares. Template "qr".
type QR struct {
	Label string // what it is, for those who do not see it
	Size  int    // in squares, the quiet edge included
	Path  string
}

// quiet is the light edge that readers need, in squares.
const quiet = 4

// NewQR draws a text.
func NewQR(label, text string) (QR, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return QR{}, fmt.Errorf("ui: draw a QR code: %w", err)
	}
	side := code.Bounds().Dx()
	var path strings.Builder
	for y := range side {
		for x := range side {
			if gray, _ := color.GrayModel.Convert(code.At(x, y)).(color.Gray); gray.Y < 128 {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	return QR{Label: label, Size: side + 2*quiet, Path: path.String()}, nil
}
