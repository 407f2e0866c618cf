package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// JWS wants an ECDSA signature as two integers of fixed width (RFC 7518 §3.4),
// the standard library speaks ASN.1 DER: this file is the bridge.

const scalarSize = 32 // bytes of r and of s on P-256

// signES256 signs deterministically: a nil source of randomness is how
// crypto/ecdsa is asked for RFC 6979.
func signES256(private *ecdsa.PrivateKey, message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	der, err := private.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	return fixedFromDER(der)
}

func verifyES256(public *ecdsa.PublicKey, message, signature []byte) bool {
	if len(signature) != 2*scalarSize {
		return false
	}
	digest := sha256.Sum256(message)
	var scratch [derSize]byte
	return ecdsa.VerifyASN1(public, digest[:], appendDER(scratch[:0], signature))
}

// fixedFromDER turns SEQUENCE{r, s} into r‖s, each padded to its full width.
func fixedFromDER(der []byte) ([]byte, error) {
	var sequence, r, s cryptobyte.String
	input := cryptobyte.String(der)
	if !input.ReadASN1(&sequence, asn1.SEQUENCE) || !input.Empty() ||
		!sequence.ReadASN1(&r, asn1.INTEGER) || !sequence.ReadASN1(&s, asn1.INTEGER) || !sequence.Empty() {
		return nil, errors.New("ECDSA signature is not the expected ASN.1")
	}
	fixed := make([]byte, 2*scalarSize)
	if !putScalar(fixed[:scalarSize], r) || !putScalar(fixed[scalarSize:], s) {
		return nil, errors.New("ECDSA signature does not fit P-256")
	}
	return fixed, nil
}

// putScalar writes a DER integer right-aligned. DER puts a zero byte in front
// of a positive number whose top bit is set.
func putScalar(dst, integer []byte) bool {
	if len(integer) == scalarSize+1 && integer[0] == 0 {
		integer = integer[1:]
	}
	if len(integer) > scalarSize {
		return false
	}
	copy(dst[scalarSize-len(integer):], integer)
	return true
}

// derSize is the most that SEQUENCE{r, s} takes on P-256: two bytes of header
// for the sequence and for each integer, and a sign byte each.
const derSize = 2 + 2*(2+1+scalarSize)

// appendDER is the way back. Every length is below 128, so one byte holds it.
func appendDER(dst, fixed []byte) []byte {
	dst = append(dst, byte(asn1.SEQUENCE), 0)
	start := len(dst)
	dst = appendInteger(dst, fixed[:scalarSize])
	dst = appendInteger(dst, fixed[scalarSize:])
	dst[start-1] = byte(len(dst) - start)
	return dst
}

// appendInteger writes the shortest DER form of an unsigned number.
func appendInteger(dst, scalar []byte) []byte {
	for len(scalar) > 1 && scalar[0] == 0 {
		scalar = scalar[1:]
	}
	if scalar[0] >= 0x80 {
		dst = append(dst, byte(asn1.INTEGER), byte(len(scalar)+1), 0)
	} else {
		dst = append(dst, byte(asn1.INTEGER), byte(len(scalar)))
	}
	return append(dst, scalar...)
}
