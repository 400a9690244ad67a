"""What a tenant does where its documentation is silent: asked, compared with what is assumed, and put back."""
