package credentials

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// TLS returns the settings of TLS that c asks for: its client certificate, and
// what it trusts beside the system's authorities. It is nil if c asks for
// nothing. Nothing in a credential turns verification off: a server that signed
// its own certificate is trusted by naming that certificate, or its authority,
// in the value "ca". No error quotes a value.
func (c Credential) TLS() (*tls.Config, error) { return c.AddTLS(nil) }

// AddTLS returns a copy of base with what c asks for, as [Credential.TLS] has it,
// and base itself if c asks for nothing. What base trusts takes the place of the
// system's authorities.
func (c Credential) AddTLS(base *tls.Config) (*tls.Config, error) {
	trust, own := c.Value(trusted.Name), c.Kind == MutualTLS
	if trust.IsZero() && !own {
		return base, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if base != nil {
		config = base.Clone()
	}
	if own {
		pair, err := tls.X509KeyPair([]byte(c.Value("certificate").Reveal()), []byte(c.Value("private_key").Reveal()))
		if err != nil {
			return nil, fmt.Errorf("credential %q: certificate and private key in PEM: %w", c.ID, err)
		}
		config.Certificates, config.GetClientCertificate = []tls.Certificate{pair}, nil
	}
	if !trust.IsZero() {
		pool, err := authorities(config.RootCAs)
		if err != nil {
			return nil, fmt.Errorf("credential %q: read the certificates that the system trusts: %w", c.ID, err)
		}
		certificates, err := parseCertificates(trust.Reveal())
		if err != nil {
			return nil, fmt.Errorf("credential %q: certificates to trust: %w", c.ID, err)
		}
		for _, certificate := range certificates {
			pool.AddCert(certificate)
		}
		config.RootCAs = pool
	}
	return config, nil
}

// authorities returns a copy of a pool, of the system's if there is none.
func authorities(pool *x509.CertPool) (*x509.CertPool, error) {
	if pool == nil {
		return x509.SystemCertPool()
	}
	return pool.Clone(), nil
}

// parseCertificates reads a PEM text of certificates and nothing else.
func parseCertificates(text string) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("block %d is a %s, not a CERTIFICATE", len(all)+1, blockType(block.Type))
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("block %d: %w", len(all)+1, err)
		}
		all = append(all, certificate)
	}
	if len(all) == 0 {
		return nil, errors.New("there is no PEM block of type CERTIFICATE")
	}
	return all, nil
}

// blockType returns the type of a PEM block if it is one that a person may have
// mistaken for a certificate: anything else is not repeated.
func blockType(name string) string {
	switch name {
	case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "PUBLIC KEY", "CERTIFICATE REQUEST", "PKCS7":
		return name
	default:
		return "block of another type"
	}
}
