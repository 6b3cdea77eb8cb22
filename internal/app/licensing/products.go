package licensing

import (
	"context"
	"sync"

	"github.com/keyward/keyward/internal/id"
	"github.com/keyward/keyward/internal/license"
	"github.com/keyward/keyward/internal/signing"
	"github.com/keyward/keyward/internal/store"
)

// maxProducts bounds how many products are remembered.
const maxProducts = 1024

// products remembers the products that software asks about, with their signing
// keys. Whoever asks says which version is current, which the database has just
// told with the license: nothing is used that was changed since, on whichever
// server.
type products struct {
	store *store.Store
	mu    sync.RWMutex
	known map[id.ID]knownProduct
}

type knownProduct struct {
	license.Product
	Keys signing.Ring
}

func newProducts(s *store.Store) *products {
	return &products{store: s, known: map[id.ID]knownProduct{}}
}

// current returns a product in this version or a later one.
func (p *products) current(ctx context.Context, product id.ID, version int64) (knownProduct, error) {
	if known, ok := p.get(product, version); ok {
		return known, nil
	}
	var read knownProduct
	var err error
	// The keys come second: they may be newer than the version says, never older.
	if read.Product, err = p.store.Product(ctx, product); err != nil {
		return read, err
	}
	if read.Keys, err = p.store.SigningKeys(ctx, product); err != nil {
		return read, err
	}
	p.put(read)
	return read, nil
}

// within is current inside a transaction. What it reads there is not
// remembered: a neighbor in the same commit may have changed it, and the commit
// may fail.
func (p *products) within(ctx context.Context, tx *store.Tx, product id.ID, version int64) (license.Product, error) {
	if known, ok := p.get(product, version); ok {
		return known.Product, nil
	}
	return tx.Product(ctx, product)
}

func (p *products) get(product id.ID, version int64) (knownProduct, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	known, ok := p.known[product]
	return known, ok && known.Version >= version
}

func (p *products) put(k knownProduct) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.known) >= maxProducts {
		clear(p.known)
	}
	p.known[k.ID] = k
}
